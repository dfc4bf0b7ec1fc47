// SPDX-License-Identifier: Apache-2.0

import Bytes
import Relay
import TestKit

/// A connection between two nodes: bytes in order, late, in pieces, through a pipe of limited width and depth.
final class RelayWire {
    /// One direction.
    struct Pipe {
        var bytesAMillisecond: Int
        var delay: Duration
        private var chunks: [(bytes: [UInt8], at: Duration)] = []
        private var free: Duration = .zero
        private(set) var held = 0

        init(bytesAMillisecond: Int, delay: Duration) {
            self.bytesAMillisecond = bytesAMillisecond
            self.delay = delay
        }

        var isWritable: Bool { held < 65_536 }

        mutating func write(_ bytes: [UInt8], now: Duration) {
            held += bytes.count
            free = max(free, now) + .microseconds(1000 * bytes.count / bytesAMillisecond)
            chunks.append((bytes, free + delay))
        }

        mutating func read(now: Duration) -> [UInt8] {
            let due = chunks.prefix { $0.at <= now }.count
            let bytes = chunks.prefix(due).flatMap(\.bytes)
            chunks.removeFirst(due)
            held -= bytes.count
            return bytes
        }
    }

    let child: Int
    let parent: Int
    let path: RelayPath
    var up: Pipe
    var down: Pipe
    var childLink: RelayLinkSession
    var parentLink: RelayLinkSession
    var publisher: RelayPublisherSession?
    var isOpen = true
    /// Bytes of both directions are held back until then.
    var frozenUntil: Duration = .zero
    private var nextHeartbeat: Duration = .zero

    init(
        child: Int, parent: Int, path: RelayPath, hellos: (child: RelayHello, parent: RelayHello), width: Int,
        delay: Duration, settings: RelaySettings, now: Duration
    ) {
        self.child = child
        self.parent = parent
        self.path = path
        up = Pipe(bytesAMillisecond: width, delay: delay)
        down = Pipe(bytesAMillisecond: width, delay: delay)
        childLink = RelayLinkSession(hellos.child, expecting: hellos.parent.node, settings: settings, now: now)
        parentLink = RelayLinkSession(hellos.parent, settings: settings, now: now)
        write(childLink.greeting.message, upwards: true, channel: 0, now: now)
        write(parentLink.greeting.message, upwards: false, channel: 0, now: now)
    }

    func write(_ message: RelayMessage, upwards: Bool, channel: UInt32 = 1, now: Duration) {
        var bytes: [UInt8] = []
        RelayFrameEncoder().append(RelayFrame(channel: channel, message: message), to: &bytes)
        if upwards { up.write(bytes, now: now) } else { down.write(bytes, now: now) }
    }

    func heartbeatIsDue(_ now: Duration) -> Bool {
        guard now >= nextHeartbeat else { return false }
        nextHeartbeat = now + .milliseconds(200)
        return true
    }

    /// Gives what arrived to `link`, in pieces cut at random.
    static func deliver(
        _ bytes: [UInt8], to link: inout RelayLinkSession, using random: inout SeededRandom,
        _ body: (RelayMessage) -> Void
    ) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let piece = rest.prefix(Int.random(in: 1...4000, using: &random))
            rest = rest.dropFirst(piece.count)
            link.receive(piece)
            while let frame = try link.next() { body(frame.message) }
        }
    }
}
