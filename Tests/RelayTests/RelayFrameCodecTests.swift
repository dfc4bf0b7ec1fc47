// SPDX-License-Identifier: Apache-2.0

import Bytes
import Cluster
import Feed
import Identity
import Media
import Relay
import TestKit
import Testing

@Suite("A relay frame's bytes")
struct RelayFrameCodecTests {
    static let term = Term(number: 0x19a, salt: 0xbeef)
    static let position = FeedPosition(term: term, number: 300)
    static let commit = CommitTracker.Commit(position: position, part: PartPosition(msn: 7, part: 3))

    static let frames: [(message: RelayMessage, hex: String)] = [
        (.accepted(FeedStart(position: position)), "0000000c" + "01" + "05" + place + "0000"),
        (.acknowledge(position), "0000000a" + "02" + "05" + place),
        (.committed(commit), "0000000c" + "03" + "05" + place + "0706"),
        (.datagram([0x80, 0x60, 1]), "00000005" + "04" + "05" + "806001"),
        (.heartbeat(RelayHeartbeat(term: nil, commit: nil, gatewayAge: 0)), "00000005" + "05" + "05" + "000000"),
        (
            .heartbeat(RelayHeartbeat(term: term, commit: commit, gatewayAge: 200)),
            "00000016" + "05" + "05" + "01" + term16 + "01" + place + "0706" + "c801"
        ),
        (
            .hello(RelayHello(cluster: 0x0102_0304, node: node, incarnation: 9)),
            "00000016" + "06" + "00" + "01" + "01020304" + "06" + "656467652d31" + "0000000000000009"
        ),
        (
            .hello(RelayHello(versions: 1...3, cluster: 0x0102_0304, node: node, incarnation: 9)),
            "00000016" + "06" + "02" + "01" + "01020304" + "06" + "656467652d31" + "0000000000000009"
        ),
        (.pause, "00000002" + "07" + "05"),
        (.randomAccess, "00000002" + "16" + "05"),
        (
            .records(RelayRecords(first: position, records: [.end(.stopped), .stored(4)])),
            "00000019" + "08" + "05" + place + "02" + "00000003" + "010202" + "00000003" + "010704"
        ),
        (
            .redirect(to: node, at: Endpoint(address: .v4(0x7F00_0001), port: 7947)),
            "00000010" + "09" + "05" + "06" + "656467652d31" + "04" + "7f000001" + "1f0b"
        ),
        (.refused(.loop), "00000003" + "0a" + "05" + "02"),
        (.resume(from: nil), "00000003" + "0b" + "05" + "00"),
        (.resume(from: position), "0000000b" + "0b" + "05" + "01" + place),
        (
            .subscribe(
                RelayRequest(
                    stream: stream, term: term, via: [NodeTag(number: 0xAABB_CCDD)], isPaused: true, view: 6,
                    redirects: 2)),
            "0000001d" + "0c" + "05" + "08" + "6c6976652f63616d" + "01" + term16 + "00" + "01aabbccdd" + "01" + "00"
                + "00" + "06" + "02"
        ),
        (.termQuestion(stream, term), "00000011" + "0e" + "05" + "08" + "6c6976652f63616d" + term16),
        (
            .termAnswer(TermAnswer(stream: stream, term: term, next: position, commit: nil)),
            "0000001b" + "0d" + "05" + "08" + "6c6976652f63616d" + term16 + "01" + place + "00"
        ),
        (.unsubscribe, "00000002" + "0f" + "05"),
        (.attach(viewer), "00000009" + "10" + "05" + "04" + "c0000201" + "138c"),
        (.attached(viewer), "00000009" + "11" + "05" + "04" + "c0000201" + "138c"),
        (.branch(RelayBranch(session: "1f-2")), "00000007" + "12" + "05" + "04" + "31662d32"),
        (.detach(viewer), "00000009" + "13" + "05" + "04" + "c0000201" + "138c"),
        (.detached(viewer, .full), "0000000a" + "14" + "05" + "04" + "c0000201" + "138c" + "01"),
        (.tally(RelayTally(packets: 300, bytes: 7)), "00000005" + "15" + "05" + "ac02" + "07"),
    ]

    static let viewer = Endpoint(address: .v4(0xC000_0201), port: 5004)

    static let term16 = "9a03" + "0000beef"
    static let place = term16 + "ac02"

    static let node: NodeID = {
        guard let node = NodeID(parsing: "edge-1") else { preconditionFailure("a name of ours") }
        return node
    }()

    static let stream: StreamID = {
        guard let stream = try? StreamID(app: "live", name: "cam") else { preconditionFailure("a name of ours") }
        return stream
    }()

    @Test("are these, and no others", arguments: frames)
    func golden(message: RelayMessage, hex: String) throws {
        let frame = frame(message)
        #expect(encode(frame).hex == hex)
        #expect(try decode(encode(frame)) == [frame])
    }

    @Test("hold the parameters in force where a late node begins")
    func parameters() throws {
        let track = Track(id: .video, parameters: SyntheticParameters.h264())
        let placed = FeedLog.PlacedParameters(
            parameters: Parameters(number: 2, tracks: [track]), position: FeedPosition(term: Self.term, number: 9))
        let start = FeedStart(position: Self.position, parameters: placed, continues: Self.position)
        let frame = RelayFrame(channel: 1, message: .accepted(start))
        #expect(try decode(encode(frame)) == [frame])
    }

    @Test("of a batch are the same whether written at once or shared behind each subscriber's head")
    func sharedBody() throws {
        let unit = AccessUnit(
            track: .video, decodeTime: MediaTime(ticks: 5, timescale: .video), isRandomAccess: true,
            payload: [UInt8](repeating: 7, count: 5000)[...])
        let records: [FeedRecord] = [.accessUnit(unit), .end(.stopped)]
        let body = RelayFrameEncoder().body(of: records, from: Self.position)
        for channel in [1, 127, 128, UInt32.max] {
            let whole = RelayMessage.records(RelayRecords(first: Self.position, records: records))
            let bytes = RelayFrameEncoder().head(ofRecords: body.count, channel: channel) + body
            #expect(bytes == encode(RelayFrame(channel: channel, message: whole)))
        }
    }

    @Test("wait for the rest when cut at any byte, and are whole then", arguments: frames.map(\.message))
    func truncation(message: RelayMessage) throws {
        let frame = frame(message, channel: 300)
        let bytes = encode(frame)
        for length in bytes.indices {
            var decoder = RelayFrameDecoder()
            decoder.receive(bytes[..<length])
            #expect(try decoder.next(longest: Self.longest) == nil)
            decoder.receive(bytes[length...])
            #expect(try decoder.next(longest: Self.longest) == frame)
            #expect(decoder.held == 0)
        }
    }

    @Test("are refused when their content is cut at any byte", arguments: frames.map(\.message))
    func shortContent(message: RelayMessage) {
        if case .datagram = message { return }
        let bytes = encode(frame(message))
        for length in 6..<max(6, bytes.count) {
            var cut = Array(bytes[..<length])
            cut.put(bigEndian: UInt32(length - 4), at: 0)
            #expect(throws: RelayFailure.self) { try decode(cut) }
        }
    }

    @Test("that claim more redirects than a byte counts are refused")
    func redirects() throws {
        let bytes = encode(
            RelayFrame(channel: 5, message: .subscribe(RelayRequest(stream: Self.stream, via: [], redirects: 127))))
        var claimed = Array(bytes.dropLast() + [0x80, 0x02])
        claimed.put(bigEndian: UInt32(claimed.count - 4), at: 0)
        #expect(try decode(bytes).count == 1)
        #expect(throws: RelayFailure.self) { try decode(claimed) }
    }

    @Test("with flipped bits give another frame of the same bytes, or a refusal", arguments: frames.map(\.message))
    func bitFlips(message: RelayMessage) {
        let frame = frame(message)
        let bytes = encode(frame)
        for bit in 0..<(bytes.count * 8) {
            var flipped = bytes
            flipped[bit / 8] ^= 1 << UInt8(bit % 8)
            guard let others = try? decode(flipped) else { continue }
            let again = others.reduce(into: []) { RelayFrameEncoder().append($1, to: &$0) }
            #expect(flipped.starts(with: again), "bit \(bit)")
            #expect(others != [frame], "bit \(bit)")
        }
    }

    @Test(
        "are refused",
        arguments: [
            ("0000000017", .frameLength(0)), ("0010000117", .frameLength(1_048_577)),
            ("0000000007", .frameLength(0)), ("0000000107", .frameLength(1)),
            ("ffffffff08", .frameLength(0xFFFF_FFFF)), ("0000010107", .frameLength(257)),
            ("0001000104", .frameLength(65_537)), ("0010000108", .frameLength(1_048_577)),
            ("000000030705" + "00", .malformed), ("000000030a05" + "09", .malformed),
            ("0000000a1405" + "04c0000201138c" + "03", .malformed), ("000000081005" + "03c00002138c", .malformed),
            ("0000001706ff0101010203040665646765" + "2d310000000000000009", .malformed),
            ("0000000208" + "80", .record(.truncated)), ("0000000308" + "8000", .record(.malformed)),
            ("0000000a08" + "05" + "9a030000beef" + "0000", .record(.malformed)),
            ("0000001108" + "05" + "9a030000beef" + "ffffffffffffffffff01" + "01", .record(.truncated)),
        ] as [(String, RelayFailure)])
    func absurd(hex: String, failure: RelayFailure) throws {
        let bytes = try #require([UInt8](hex: hex))
        #expect(throws: failure) { try decode(bytes, longest: .mebibytes(1)) }
    }

    @Test("of a kind that is not known are passed over when they are whole, however they arrive", arguments: 1...9)
    func unknownKinds(piece: Int) throws {
        let known = RelayFrame(channel: 5, message: .pause)
        let unknown: [UInt8] = [0, 0, 0, 4, 0x17, 1, 2, 3]
        let last: [UInt8] = [0, 0, 0, 2, 0xFF, 5]
        var rest = (encode(known) + unknown + encode(known) + last)[...]
        var decoder = RelayFrameDecoder()
        var frames: [RelayFrame] = []
        while !rest.isEmpty {
            decoder.receive(rest.prefix(piece))
            rest = rest.dropFirst(piece)
            while let frame = try decoder.next(longest: Self.longest) { frames.append(frame) }
        }
        #expect(frames == [known, known])
        #expect(decoder.skippedFrames == 2)
        #expect(decoder.unknownKind == 0xFF)
        #expect(decoder.held == 0)
    }

    @Test("of a kind that is not known are refused by their kind alone where nothing is passed over")
    func unknownKindOfAStranger() {
        var decoder = RelayFrameDecoder()
        decoder.receive(Array("GET / HTTP/1.1".utf8)[...])
        #expect(throws: RelayFailure.unknownKind(0x2F)) {
            try decoder.next(longest: Self.longest, passingOver: false)
        }
    }

    @Test("at random never do harm", arguments: UInt64(1)...20)
    func noise(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        for _ in 0..<500 {
            var bytes: [UInt8] = []
            let count = Int.random(in: 2...80, using: &random)
            bytes.append(bigEndian: UInt32(count))
            bytes.append(.random(in: 1...15, using: &random))
            for _ in 1..<count { bytes.append(.random(in: 0...255, using: &random)) }
            guard let frames = try? decode(bytes) else { continue }
            #expect(frames.reduce(into: []) { RelayFrameEncoder().append($1, to: &$0) } == bytes, "seed \(seed)")
        }
    }

    private static let longest = ByteCount.mebibytes(1)

    /// The frame of a message; a hello is of no subscription.
    private func frame(_ message: RelayMessage, channel: UInt32 = 5) -> RelayFrame {
        if case .hello = message { return RelayFrame(channel: 0, message: message) }
        return RelayFrame(channel: channel, message: message)
    }

    private func encode(_ frame: RelayFrame) -> [UInt8] {
        var bytes: [UInt8] = []
        RelayFrameEncoder().append(frame, to: &bytes)
        return bytes
    }

    private func decode(_ bytes: [UInt8], longest: ByteCount = longest) throws -> [RelayFrame] {
        var decoder = RelayFrameDecoder()
        decoder.receive(bytes[...])
        var frames: [RelayFrame] = []
        while let frame = try decoder.next(longest: longest) { frames.append(frame) }
        return frames
    }
}
