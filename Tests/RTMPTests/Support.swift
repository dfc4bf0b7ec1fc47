// SPDX-License-Identifier: Apache-2.0

import Bytes
import Foundation
import RTMP

/// SplitMix64: the same numbers for the same seed, everywhere.
struct SeededRandom: RandomNumberGenerator {
    var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}

let noise: [UInt8] = (0..<1600).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ 7) }

/// Bytes of a hexadecimal text; blanks and line ends are for the eye.
func hex(_ text: String) -> [UInt8] { [UInt8](hex: text.filter { !$0.isWhitespace }) ?? [] }

/// A captured connection of Tests/Vectors/rtmp.
func capture(_ name: String) throws -> [UInt8] {
    let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    let file = tests.appendingPathComponent("Vectors/rtmp/\(name).hex")
    return hex(try String(contentsOf: file, encoding: .utf8))
}

/// Decodes chunks fed in pieces.
func decode(_ pieces: [[UInt8]], settings: RTMPSettings = RTMPSettings()) throws -> [Message] {
    var decoder = ChunkDecoder(settings: settings)
    var messages: [Message] = []
    for piece in pieces {
        try piece.withUnsafeBytes { bytes in
            var input = bytes
            while let message = try decoder.next(&input) { messages.append(message) }
            precondition(input.isEmpty, "\(input.count) bytes left")
        }
    }
    return messages
}

/// Cuts bytes into pieces of 1 to `longest` bytes.
func pieces(_ bytes: [UInt8], longest: Int, using random: inout some RandomNumberGenerator) -> [[UInt8]] {
    var pieces: [[UInt8]] = []
    var start = 0
    while start < bytes.count {
        let end = min(bytes.count, start + Int.random(in: 1...longest, using: &random))
        pieces.append(Array(bytes[start..<end]))
        start = end
    }
    return pieces
}

/// A server session that says yes to everything, and what it said.
struct Server: ~Copyable {
    var session: ServerSession
    var directives: [ServerSession.Directive] = []
    var now: Duration = .zero

    init(settings: RTMPSettings = RTMPSettings()) {
        session = ServerSession(settings: settings, random: noise, now: .zero)
    }

    /// Feeds bytes and accepts whatever is asked.
    mutating func receive(_ bytes: [UInt8], accepts: Bool = true) throws {
        var new: [ServerSession.Directive] = []
        defer { directives += new }
        try bytes.withUnsafeBytes { try session.receive($0, now: now, into: &new) }
        for directive in accepts ? new : [] {
            if case .publish = directive { session.acceptPublish(now: now, into: &new) }
            if case .play = directive { session.acceptPlay(now: now, into: &new) }
        }
    }

    mutating func tick(at time: Duration) {
        now = time
        session.tick(now: time, into: &directives)
    }

    // A session can not be copied, so expectations look at these.
    var isPublishing: Bool { session.isPublishing }
    var isPlaying: Bool { session.isPlaying }
    var nextDeadline: Duration? { session.nextDeadline }

    /// All bytes sent so far.
    var sent: [UInt8] {
        directives.flatMap { directive -> [UInt8] in
            if case .send(let bytes) = directive { bytes } else { [] }
        }
    }

    var media: [MediaMessage] {
        directives.compactMap { directive -> MediaMessage? in
            if case .media(let message) = directive { message } else { nil }
        }
    }

    /// The commands sent after the handshake.
    func commands() throws -> [Command] {
        try decode([Array(sent.dropFirst(3073))]).filter { $0.type == .command }
            .map { try Command($0.body, type: $0.type) }
    }

    /// Everything but what was sent.
    var events: [ServerSession.Directive] {
        directives.filter { directive -> Bool in
            if case .send = directive { false } else { true }
        }
    }
}

/// C0 C1 C2, plain.
let plainHandshake: [UInt8] = [3] + [UInt8](repeating: 0, count: 8) + noise.prefix(1528) + noise.prefix(1536)

/// The chunks of one command.
func command(_ name: String, _ transaction: Double, _ arguments: [AMFValue], stream: UInt32 = 0) -> [UInt8] {
    let body = Command(name, transaction: transaction, arguments).body
    return ChunkEncoder(chunkSize: 128).encode(
        Message(type: .command, timestamp: 0, stream: stream, body: body[...]))
}

/// `connect` to an app.
func connect(_ app: String, _ more: [AMFProperty] = []) -> [UInt8] {
    command("connect", 1, [.object([AMFProperty("app", .string(app))] + more)])
}

/// The chunks of one media message at the chunk size in force.
func media(_ kind: MediaKind, _ timestamp: UInt32, _ body: [UInt8], chunkSize: Int = 128) -> [UInt8] {
    ChunkEncoder(chunkSize: chunkSize)
        .encode(MediaTag(kind: kind, timestamp: timestamp, header: [], payload: body[...]))
}
