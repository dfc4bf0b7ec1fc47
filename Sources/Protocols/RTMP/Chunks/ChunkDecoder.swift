// SPDX-License-Identifier: Apache-2.0

import Bytes

/// Chunks to messages, RTMP 1.0 §5.3. Set Chunk Size and Abort take effect here and are not handed on.
///
/// Payload is copied once, from the input into the message's own buffer, which grows as bytes arrive; what a peer only
/// claims takes no memory. The cost of a chunk is bounded by a few comparisons, so tiny chunks are slow for nobody else.
public struct ChunkDecoder: ~Copyable {
    /// What the peer last said by Set Chunk Size, in bytes, at most the longest message.
    public private(set) var chunkSize = 128
    /// Payload bytes of audio, video and data so far, also of unfinished messages.
    public private(set) var mediaBytes: UInt64 = 0

    private let settings: RTMPSettings
    private var streams: [ChunkStream] = []
    /// Bytes of a chunk header that is not yet whole, and up to four that turned out to be payload.
    private var held: [UInt8] = []
    /// The chunk stream of the open chunk, an index of `streams`.
    private var current: Int?
    private var chunkRemaining = 0
    private var reserved = 0

    /// Starts with the chunk size of 128 that both sides begin with.
    public init(settings: RTMPSettings) {
        self.settings = settings
        held.reserveCapacity(32)
    }

    /// Takes bytes from the front of `input` until a message is whole; nil when all are taken.
    public mutating func next(_ input: inout UnsafeRawBufferPointer) throws(RTMPFailure) -> Message? {
        while true {
            if current == nil, try !beginChunk(&input) { return nil }
            guard let index = current else { return nil }
            if chunkRemaining > 0 {
                if !held.isEmpty { try copyHeld(to: index) }
                try copy(&input, to: index)
                guard chunkRemaining == 0 else { return nil }
            }
            current = nil
            if streams[index].remaining == 0, let message = try finishMessage(index) { return message }
        }
    }
}

extension ChunkDecoder {
    /// Reads a chunk's header; false where it is not whole yet.
    private mutating func beginChunk(_ input: inout UnsafeRawBufferPointer) throws(RTMPFailure) -> Bool {
        if held.isEmpty {
            if let header = try header(input) {
                input.drop(header.size)
                try open(header)
                return true
            }
        }
        while true {
            if let header = try heldHeader() {
                held.removeFirst(header.size)
                try open(header)
                return true
            }
            guard let byte = input.first else { return false }
            input.drop(1)
            held.append(byte)
        }
    }

    private func heldHeader() throws(RTMPFailure) -> ChunkHeader? {
        let outcome: Result<ChunkHeader?, RTMPFailure> = held.withUnsafeBytes { bytes in
            do throws(RTMPFailure) {
                return .success(try header(bytes))
            } catch {
                return .failure(error)
            }
        }
        return try outcome.get()
    }

    private func header(_ bytes: UnsafeRawBufferPointer) throws(RTMPFailure) -> ChunkHeader? {
        guard var header = ChunkHeader(basic: bytes) else { return nil }
        header.index = find(header.chunkStream)
        if let index = header.index {
            guard header.readFields(bytes, after: streams[index]) else { return nil }
            guard header.format > 0 || !streams[index].isOpen else { throw header.failure }
        } else {
            guard header.format < 2 else { throw header.failure }
            guard streams.count < settings.maximumChunkStreams else {
                throw .chunkStreams(settings.maximumChunkStreams)
            }
            guard header.readFields(bytes, after: ChunkStream(number: header.chunkStream)) else { return nil }
        }
        return header
    }

    private func find(_ number: UInt32) -> Int? {
        for index in streams.indices where streams[index].number == number { return index }
        return nil
    }

    private mutating func open(_ header: ChunkHeader) throws(RTMPFailure) {
        let index: Int
        if let known = header.index {
            index = known
        } else {
            index = streams.count
            streams.append(ChunkStream(number: header.chunkStream))
        }
        if let habit = header.habit { streams[index].habit = habit }
        if !streams[index].isOpen { try beginMessage(index, header) }
        guard header.length == streams[index].length else { throw header.failure }
        current = index
        chunkRemaining = min(chunkSize, streams[index].remaining)
    }

    private mutating func beginMessage(_ index: Int, _ header: ChunkHeader) throws(RTMPFailure) {
        streams[index].begin(header)
        let limit = settings.limit(header.type)
        guard header.length <= limit else { throw .messageLength(header.length, type: header.type) }
        try reserve(min(header.length, settings.messageReserve.bytes), for: index)
    }

    private mutating func reserve(_ capacity: Int, for index: Int) throws(RTMPFailure) {
        let total = reserved + capacity - streams[index].reserved
        guard total <= settings.maximumPartialMessages.bytes else { throw .partialMessages(total) }
        reserved = total
        streams[index].reserved = capacity
        streams[index].body.reserveCapacity(capacity)
    }

    private mutating func copy(_ input: inout UnsafeRawBufferPointer, to index: Int) throws(RTMPFailure) {
        let count = min(chunkRemaining, input.count)
        guard count > 0 else { return }
        try makeRoom(count, for: index)
        streams[index].body.append(contentsOf: UnsafeRawBufferPointer(rebasing: input[..<count]))
        input.drop(count)
        copied(count, to: index)
    }

    private mutating func copyHeld(to index: Int) throws(RTMPFailure) {
        let count = min(chunkRemaining, held.count)
        try makeRoom(count, for: index)
        streams[index].body.append(contentsOf: held[..<count])
        held.removeFirst(count)
        copied(count, to: index)
    }

    private mutating func makeRoom(_ count: Int, for index: Int) throws(RTMPFailure) {
        let needed = streams[index].body.count + count
        guard needed > streams[index].reserved else { return }
        try reserve(min(streams[index].length, max(needed, streams[index].reserved * 4)), for: index)
    }

    private mutating func copied(_ count: Int, to index: Int) {
        chunkRemaining -= count
        if streams[index].type.isMedia { mediaBytes &+= UInt64(count) }
    }

    /// Takes the whole message out of its chunk stream; nil where it was for the chunk layer itself.
    private mutating func finishMessage(_ index: Int) throws(RTMPFailure) -> Message? {
        reserved -= streams[index].reserved
        let message = streams[index].takeMessage()
        switch message.type {
        case .setChunkSize: try setChunkSize(message.body)
        case .abort: abort(message.body)
        default: return message
        }
        return nil
    }

    /// Takes what RTMP 1.0 §5.4.1 allows, 1 to 2^31 - 1; real encoders declare all of it. The clamp keeps the framing: a
    /// chunk ends with its message at the latest, and no message is longer than the limit, so that a chunk of the size
    /// declared and one of the size kept end at the same byte. Memory follows what arrives, not what is declared.
    private mutating func setChunkSize(_ body: ByteSlice) throws(RTMPFailure) {
        var reader = ByteReader(body)
        guard let size = try? reader.uint32() else { throw .malformedMessage(.setChunkSize) }
        guard size > 0, size < 1 << 31 else { throw .chunkSize(size) }
        chunkSize = min(Int(size), settings.maximumMessage.bytes)
    }

    private mutating func abort(_ body: ByteSlice) {
        var reader = ByteReader(body)
        guard let number = try? reader.uint32(), let index = find(number) else { return }
        reserved -= streams[index].reserved
        streams[index].drop()
    }
}

extension UnsafeRawBufferPointer {
    mutating func drop(_ count: Int) { self = UnsafeRawBufferPointer(rebasing: self[count...]) }
}
