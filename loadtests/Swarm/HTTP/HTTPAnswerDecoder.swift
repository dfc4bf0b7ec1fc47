// SPDX-License-Identifier: Apache-2.0

public import Bytes

/// Bytes of one HTTP/1.1 connection to answers, RFC 9112 §4, §6 and §7; for any request but HEAD. Bodies of media are only
/// counted: a load test that copied them would measure itself.
public struct HTTPAnswerDecoder: Sendable {
    /// Whether bodies are handed out, or only counted. Set it before the answer begins.
    public var keepsBodies: Bool
    private var state = State.head
    private var line: [UInt8] = []
    private var head = HTTPAnswerHead(status: 0)
    private var body: [UInt8] = []
    private var size = 0

    private enum State {
        /// Until the empty line. Exits: sized, toTheEnd, chunkSize, or an answer.
        case head
        /// So many bytes of the body are missing. Exit: an answer.
        case sized(Int)
        /// The body ends with the connection.
        case toTheEnd
        /// Until the line's end. Exits: chunk, trailer.
        case chunkSize
        /// So many bytes of the chunk are missing. Exit: chunkEnd.
        case chunk(Int)
        /// The empty line behind a chunk. Exit: chunkSize.
        case chunkEnd
        /// Lines until an empty one. Exit: an answer.
        case trailer
    }

    /// A decoder at the beginning of a connection.
    public init(keepsBodies: Bool = true) { self.keepsBodies = keepsBodies }

    /// Takes bytes off `input` up to the end of the next answer; nil where more are needed.
    public mutating func next(_ input: inout UnsafeRawBufferPointer) throws(HTTPFailure) -> HTTPAnswer? {
        while !input.isEmpty {
            switch state {
            case .head: if try readHead(&input) { return takeAnswer() }
            case .sized(let missing):
                let count = take(missing, &input)
                state = .sized(missing - count)
                if count == missing { return takeAnswer() }
            case .toTheEnd: _ = take(input.count, &input)
            case .chunkSize: try readChunkSize(&input)
            case .chunk(let missing):
                let count = take(missing, &input)
                state = count == missing ? .chunkEnd : .chunk(missing - count)
            case .chunkEnd: try readChunkEnd(&input)
            case .trailer: if try readTrailer(&input) { return takeAnswer() }
            }
        }
        return nil
    }

    /// The status of the answer under way; nil until its head is whole.
    public var status: Int? { if case .head = state { nil } else { head.status } }

    /// Takes what has come of the body under way, which its answer then lacks: for bodies that have no end.
    public mutating func takeBody() -> ByteSlice {
        defer { body = [] }
        return body[...]
    }

    /// The connection has ended: an answer whose body had no other end.
    public mutating func finish() -> HTTPAnswer? {
        guard case .toTheEnd = state else { return nil }
        return takeAnswer()
    }
}

extension HTTPAnswerDecoder {
    private mutating func takeAnswer() -> HTTPAnswer {
        defer {
            state = .head
            head = HTTPAnswerHead(status: 0)
            body = []
            size = 0
        }
        return HTTPAnswer(
            status: head.status, body: body[...], size: .bytes(size), isLast: head.isLast, location: head.location)
    }

    /// Returns whether the answer is whole with its head. Interim answers are passed over.
    private mutating func readHead(_ input: inout UnsafeRawBufferPointer) throws(HTTPFailure) -> Bool {
        guard try readLine(&input, tooLong: .headLength) else { return false }
        defer { line.removeAll(keepingCapacity: true) }
        if head.status == 0 {
            guard line.isEmpty else {
                head = try HTTPAnswerHead(statusLine: line[...])
                return false
            }
            return false
        }
        guard line.isEmpty else {
            try head.take(field: line[...])
            return false
        }
        return beginBody()
    }

    private mutating func beginBody() -> Bool {
        if head.status < 200 {
            head = HTTPAnswerHead(status: 0)
        } else if head.status == 204 || head.status == 304 {
            return true
        } else if head.isChunked {
            state = .chunkSize
        } else if let length = head.length {
            if keepsBodies { body.reserveCapacity(min(length, Self.reserve)) }
            state = .sized(length)
            return length == 0
        } else {
            head.isLast = true
            state = .toTheEnd
        }
        return false
    }

    private mutating func take(_ wanted: Int, _ input: inout UnsafeRawBufferPointer) -> Int {
        let count = min(wanted, input.count)
        if keepsBodies { body.append(contentsOf: input.prefix(count)) }
        size += count
        input = UnsafeRawBufferPointer(rebasing: input.dropFirst(count))
        return count
    }

    private mutating func readChunkSize(_ input: inout UnsafeRawBufferPointer) throws(HTTPFailure) {
        guard try readLine(&input, tooLong: .chunk) else { return }
        defer { line.removeAll(keepingCapacity: true) }
        let digits = line.prefix { $0 != UInt8(ascii: ";") && $0 != UInt8(ascii: " ") }
        guard !digits.isEmpty, digits.count <= 8, let size = Int(String(decoding: digits, as: UTF8.self), radix: 16),
            size >= 0
        else { throw .chunk }
        state = size == 0 ? .trailer : .chunk(size)
    }

    private mutating func readChunkEnd(_ input: inout UnsafeRawBufferPointer) throws(HTTPFailure) {
        guard try readLine(&input, tooLong: .chunk) else { return }
        guard line.isEmpty else { throw .chunk }
        state = .chunkSize
    }

    private mutating func readTrailer(_ input: inout UnsafeRawBufferPointer) throws(HTTPFailure) -> Bool {
        guard try readLine(&input, tooLong: .headLength) else { return false }
        defer { line.removeAll(keepingCapacity: true) }
        return line.isEmpty
    }

    /// Gathers a line without its end; false where more bytes are needed.
    private mutating func readLine(
        _ input: inout UnsafeRawBufferPointer, tooLong: HTTPFailure
    ) throws(HTTPFailure) -> Bool {
        let end = input.firstIndex(of: UInt8(ascii: "\n"))
        let count = end ?? input.count
        guard line.count + count <= Self.longestLine else { throw tooLong }
        line.append(contentsOf: input.prefix(count))
        input = UnsafeRawBufferPointer(rebasing: input.dropFirst(end == nil ? count : count + 1))
        if end != nil, line.last == UInt8(ascii: "\r") { line.removeLast() }
        return end != nil
    }

    private static let longestLine = 16 << 10
    /// Memory taken on a peer's word.
    private static let reserve = 64 << 10
}
