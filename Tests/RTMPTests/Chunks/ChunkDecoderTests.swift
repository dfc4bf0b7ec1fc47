// SPDX-License-Identifier: Apache-2.0

import Bytes
import RTMP
import Testing

@Suite("A chunk decoder")
struct ChunkDecoderTests {
    @Test(
        "reads chunk stream numbers in all their forms",
        arguments: ["02", "3f", "0000", "0100 00", "00ff", "0100 01", "01ff ff"])
    func chunkStreams(basic: String) throws {
        let head = hex(basic)
        let full = head + hex("00000a 000002 08 01000000 aabb")
        let short = [head[0] | 0xC0] + head.dropFirst() + hex("ccdd")
        let messages = try decode([full + short])
        #expect(messages.map(\.body) == [[0xAA, 0xBB], [0xCC, 0xDD]])
        #expect(messages.map(\.stream) == [1, 1])
    }

    @Test("knows both spellings of one chunk stream as one")
    func twoSpellings() throws {
        let messages = try decode([hex("0000 000005 000001 08 01000000 aa  c1 0000 bb")])
        #expect(messages.map(\.timestamp) == [5, 10])
    }

    @Test("adds the last time field where a message begins with type 3")
    func deltas() throws {
        #expect(try decode([hex("04 00001a 000001 08 01000000 01 c4 02")]).map(\.timestamp) == [26, 52])
        let bytes = hex("04 000064 000001 08 01000000 01  84 000005 02  c4 03  44 000007 000002 08 0405  c4 0607")
        #expect(try decode([bytes]).map(\.timestamp) == [100, 105, 110, 117, 124])
    }

    @Test("lets deltas step back modulo 2^32, as OBS does on its one chunk stream")
    func negativeDelta() throws {
        let bytes = hex("04 000064 000001 08 01000000 01  84 ffffff fffffff8 02  84 ffffff fffffff0 03")
        #expect(try decode([bytes]).map(\.timestamp) == [100, 92, 76])
    }

    @Test(
        "takes the extended time by the field, not by the value",
        arguments: [
            ("04 fffffe 000001 08 01000000 aa", 0xFFFFFE as UInt32),
            ("04 ffffff 000001 08 01000000 00ffffff aa", 0xFFFFFF),
            ("04 ffffff 000001 08 01000000 01000000 aa", 0x100_0000),
            ("04 ffffff 000001 08 01000000 00fffb98 aa", 16_776_088),
        ])
    func extended(text: String, time: UInt32) throws {
        let messages = try decode([hex(text)])
        #expect(messages.map(\.timestamp) == [time])
        #expect(messages.map(\.body) == [[0xAA]])
    }

    @Test("takes an extended delta as a delta")
    func extendedDelta() throws {
        let bytes = hex("04 000028 000001 09 01000000 01  44 ffffff 000001 09 00fffbe8 02  c4 00fffbe8 03")
        #expect(try decode([bytes]).map(\.timestamp) == [40, 40 + 0xFFFBE8, 40 + 2 * 0xFFFBE8])
    }

    @Test(
        "tells whether later chunks repeat the extended time",
        arguments: [
            // The value on the wire, nothing, the value with its top bit cleared; 1, 2, 3, 4 and 5 bytes in the last chunk.
            ("81312d00", "81312d00"), ("81312d00", ""), ("81312d00", "01312d00"), ("01312d00", "01312d00"),
        ], [1, 2, 3, 4, 5, 128])
    func repeatedTime(times: (String, String), rest: Int) throws {
        let (time, again) = times
        let body = (0..<(256 + rest)).map { UInt8(truncatingIfNeeded: $0 + 3) }
        var length: [UInt8] = []
        length.append(bigEndian24: UInt32(body.count))
        var chunks = hex("06 ffffff") + length + hex("09 01000000") + hex(time) + body[..<128]
        chunks += hex("c6" + again) + body[128..<256]
        chunks += hex("c6" + again) + body[256...]
        let next = hex("06 000001 000001 08 01000000 aa")
        let messages = try decode((chunks + next).map { [$0] })
        #expect(messages.map(\.body) == [body[...], [0xAA]])
        #expect(try decode([chunks + next]) == messages)
    }

    @Test("takes the time after a delta for repeated, be it the delta or the sum", arguments: ["02000000", "02000064"])
    func repeatedAfterDelta(again: String) throws {
        let body = [UInt8](repeating: 7, count: 130)
        let bytes =
            hex("06 000064 000001 09 01000000 01  46 ffffff 000082 09 02000000") + body[..<128] + hex("c6" + again)
            + body[128...]
        let messages = try decode([bytes])
        #expect(messages.map(\.timestamp) == [100, 0x0200_0064])
        #expect(messages.last?.body == body[...])
    }

    @Test("puts interleaved messages together and obeys a new chunk size between two chunks of one")
    func interleaved() throws {
        let video = (0..<300).map { UInt8(truncatingIfNeeded: $0) }
        var bytes = hex("06 000000 00012c 09 01000000") + video[..<128]
        bytes += hex("02 000000 000006 04 00000000 0006 00000001")
        bytes += hex("02 000000 000004 01 00000000 000000ac")
        bytes += hex("04 000000 000002 08 01000000 aabb")
        bytes += hex("c6") + video[128...]
        #expect(try decode([bytes]).map(\.type) == [MessageType(rawValue: 4), .audio, .video])
        #expect(try decode([bytes]).last?.body == video[...])
    }

    @Test("drops a message at Abort and keeps the header")
    func abort() throws {
        let payload = [UInt8](repeating: 1, count: 128)
        let bytes =
            hex("06 000010 000100 09 01000000") + payload + hex("02 000000 000004 02 00000000 00000006") + hex("c6")
            + payload + hex("c6") + payload
        let messages = try decode([bytes])
        #expect(messages.map(\.body.count) == [256])
        #expect(messages.map(\.timestamp) == [0x20])
    }

    @Test("accepts type 1 on a fresh chunk stream, as librtmp pings")
    func freshType1() throws {
        let messages = try decode([hex("42 000000 000006 04 0007 00000001")])
        #expect(messages.map(\.body) == [[0, 7, 0, 0, 0, 1]])
    }

    @Test("goes on after type 1 and 2 within a message of the same length")
    func fullerContinuation() throws {
        let payload = [UInt8](repeating: 1, count: 128)
        let bytes = hex("06 000010 000100 09 01000000") + payload + hex("46 000005 000100 09") + payload
        #expect(try decode([bytes]).map(\.timestamp) == [16])
    }

    @Test(
        "refuses headers that build on nothing or contradict the message under way",
        arguments: [
            ("86 000001", RTMPFailure.chunkFormat(2, chunkStream: 6)), ("c6", .chunkFormat(3, chunkStream: 6)),
            ("06 000010 000100 09 01000000 #  06 000010 000100 09 01000000", .chunkFormat(0, chunkStream: 6)),
            ("06 000010 000100 09 01000000 #  46 000010 000101 09", .chunkFormat(1, chunkStream: 6)),
        ])
    func wrongFormat(text: String, failure: RTMPFailure) {
        let payload = String(repeating: "00", count: 128)
        #expect(throws: failure) { try decode([hex(text.replacing("#", with: payload))]) }
    }

    @Test(
        "takes chunk sizes of 1 to 2^31 - 1",
        arguments: [(0 as UInt32, false), (1, true), (128, true), (65_536, true), (.max >> 1, true), (1 << 31, false)])
    func chunkSizes(size: UInt32, isLegal: Bool) throws {
        var bytes = hex("02 000000 000004 01 00000000")
        bytes.append(bigEndian: size)
        let body = [UInt8](repeating: 5, count: 300)
        let message = Message(type: .video, timestamp: 1, stream: 1, body: body[...])
        guard isLegal else {
            #expect(throws: RTMPFailure.chunkSize(size)) { try decode([bytes]) }
            return
        }
        bytes += ChunkEncoder(chunkSize: Int(min(size, 1 << 20))).encode(message)
        #expect(try decode([bytes]) == [message])
    }

    @Test("has a limit for every type of message")
    func messageLimits() {
        for (type, limit) in [(9 as UInt8, 8 << 20), (22, 8 << 20), (8, 256 << 10), (20, 64 << 10), (99, 64 << 10)] {
            for length in [limit, limit + 1] {
                var bytes: [UInt8] = hex("04 000000")
                bytes.append(bigEndian24: UInt32(length))
                bytes += [type, 1, 0, 0, 0, 0]
                let failure = RTMPFailure.messageLength(length, type: MessageType(rawValue: type))
                if length > limit { #expect(throws: failure) { try decode([bytes]) } }
                if length <= limit { #expect(throws: Never.self) { try decode([bytes]) } }
            }
        }
    }

    @Test("takes 64 chunk streams and no more")
    func tooManyChunkStreams() {
        let streams = (0..<64).map { hex("00") + [UInt8($0)] + hex("000000 000000 08 01000000") }
        #expect(throws: Never.self) { try decode([streams.flatMap(\.self)]) }
        let more = streams.flatMap(\.self) + hex("05 000000 000000 08 01000000")
        #expect(throws: RTMPFailure.chunkStreams(64)) { try decode([more]) }
    }

    @Test("bounds what unfinished messages hold together")
    func partialMessages() {
        var settings = RTMPSettings()
        settings.maximumPartialMessages = .bytes(150_000)
        let open = (3..<6).map { [UInt8($0)] + hex("000000 100000 09 01000000") + [UInt8](repeating: 0, count: 128) }
        #expect(throws: Never.self) { try decode([open[0] + open[1]], settings: settings) }
        #expect(throws: RTMPFailure.partialMessages(3 << 16)) {
            try decode([open.flatMap(\.self)], settings: settings)
        }
    }

    @Test("hands on empty messages of every type but its own", arguments: 3...30 as ClosedRange<UInt8>)
    func emptyMessages(type: UInt8) throws {
        let bytes = hex("04 000005 000000") + [type] + hex("01000000")
        #expect(try decode([bytes + bytes]).count == 2)
    }

    @Test("gives the same messages whatever the pieces", arguments: 0..<40 as Range<UInt64>)
    func pieces(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let bytes = randomChunks(using: &random)
        let whole = try decode([bytes])
        #expect(try decode(bytes.map { [$0] }) == whole, "seed \(seed)")
        #expect(try decode(RTMPTests.pieces(bytes, longest: 300, using: &random)) == whole, "seed \(seed)")
        #expect(whole.count >= 20)
    }

    /// Messages of all lengths and times, whose chunks repeat extended times.
    private func randomChunks(using random: inout SeededRandom) -> [UInt8] {
        (0..<20).flatMap { _ in
            let time: UInt32 = Bool.random(using: &random) ? .random(in: 0...0xFFFFFF, using: &random) : random.next()
            let length = Int.random(in: 0...700, using: &random)
            let body = (0..<length).map { _ in UInt8.random(in: 0...255, using: &random) }
            let type: MessageType = Bool.random(using: &random) ? .audio : .video
            return ChunkEncoder(chunkSize: 128).encode(
                Message(type: type, timestamp: time, stream: 1, body: body[...]))
        }
    }
}

@Suite("A chunk encoder")
struct ChunkEncoderTests {
    @Test("writes what the decoder reads", arguments: [1, 2, 127, 128, 129, 60_000], [0, 1, 5, 128, 129, 1000])
    func roundTrip(chunkSize: Int, length: Int) throws {
        let body = (0..<length).map { UInt8(truncatingIfNeeded: $0) }
        var bytes = hex("02 000000 000004 01 00000000")
        bytes.append(bigEndian: UInt32(chunkSize))
        let times: [UInt32] = [0, 0xFFFFFE, 0xFFFFFF, 0x100_0000, .max]
        let messages = times.map { Message(type: .video, timestamp: $0, stream: 1, body: body[...]) }
        for message in messages { bytes += ChunkEncoder(chunkSize: chunkSize).encode(message) }
        #expect(try decode([bytes]) == messages)
        #expect(try decode(bytes.map { [$0] }) == messages)
    }

    @Test("sends a tag in two parts as one payload")
    func twoParts() throws {
        let tag = MediaTag(kind: .video, timestamp: 7, header: [1, 2, 3], payload: [4, 5, 6, 7])
        let bytes = ChunkEncoder(chunkSize: 4).encode(tag)
        #expect(bytes == hex("06 000007 000007 09 01000000 01020304 c6 050607"))
        #expect(tag.message.body == [1, 2, 3, 4, 5, 6, 7])
    }
}
