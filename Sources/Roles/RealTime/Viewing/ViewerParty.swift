// SPDX-License-Identifier: Apache-2.0

import Datagrams
import RTP
import Replica
import Telemetry
import WebRTC

/// One WHEP viewer: its numbers for the packets of its stream's rings, and what it reports.
final class ViewerParty: MediaParty {
    /// Whether there is more to send than the last burst took.
    private(set) var isBehind = false
    private unowned let connection: SecureConnection
    private unowned let loop: RealTimeLoop
    private let replica: StreamReplica
    private let viewer: UInt64
    private var session: RTPSenderSession
    private var fanout: StreamFanout?
    private var directives: [RTPSenderSession.Directive] = []
    /// How many more packets of video tell the player to show them at once.
    private var hastened = 0
    /// Bytes sent that the replica was not told of.
    private var untold = 0

    init(_ plan: ViewerPlan, connection: SecureConnection, loop: RealTimeLoop) {
        self.connection = connection
        self.loop = loop
        replica = plan.replica
        viewer = plan.viewer
        func track(_ kind: MediaKind) -> SendTrack? {
            guard let index = plan.tracks.firstIndex(where: { $0.codec.kind == kind }) else { return nil }
            let (sequence, timestamp) = plan.beginnings[index]
            return plan.tracks[index].sendFormat.map {
                SendTrack($0, firstSequence: sequence, firstTimestamp: timestamp)
            }
        }
        session = RTPSenderSession(video: track(.video), audio: track(.audio))
    }

    /// Whether it was promised sound.
    var hears: Bool { session.audio != nil }

    /// Begins to be sent to.
    func begin(now: Duration) {
        let fanout = loop.fanout(of: replica, now: now)
        self.fanout = fanout
        hastened = Self.hastenedPackets
        fanout.append(self, now: now)
    }

    /// Ends the session.
    func close(_ end: SessionEnd, now: Duration) { connection.close(end, now: now) }

    func leave() {
        tell()
        fanout?.remove(self)
        fanout = nil
    }

    /// Viewers send no media.
    func receive(rtp bytes: UnsafeMutableRawBufferPointer, now: Duration) { loop.metrics.dropped("unwanted") }

    func requestRandomAccess(now: Duration) {}

    private func tell() {
        guard untold > 0 else { return }
        replica.sent(untold, to: viewer)
        untold = 0
    }

    /// How many packets of a burst there are at least: what the buffers of players' sockets take.
    private static let burst = 24
    /// A viewer that is behind has everything after so many bursts, however much it is.
    private static let bursts = 40
    /// The packets that bring a viewer from its random access point to what is live, and some.
    private static let hastenedPackets = 64
}

// MARK: - What comes

extension ViewerParty {
    func receive(rtcp bytes: UnsafeMutableRawBufferPointer, now: Duration) {
        guard let fanout else { return }
        session.receive(rtcp: Array(bytes)[...], clock: fanout.clock, now: now, into: &directives)
        let obeyed = directives
        directives.removeAll(keepingCapacity: true)
        for directive in obeyed {
            switch directive {
            case .estimate: break
            case .goodbye: return close(.left, now: now)
            case .randomAccess(let kind): if kind == .video { fanout.requestRandomAccess(now: now) }
            case .resend(let kind, _, let sequence, let number):
                fanout.resend(kind, sequence, number, to: self, now: now)
            }
        }
    }

    func tick(now: Duration) {
        guard let fanout, let due = session.nextDeadline, now >= due else { return }
        loop.scratch.removeAll(keepingCapacity: true)
        session.appendReports(
            clock: fanout.clock, canonicalName: Self.canonicalName, now: now, to: &loop.scratch)
        connection.send(rtcp: loop.scratch)
        tell()
    }

    /// As the answer names our sources.
    private static let canonicalName = Array("millrace".utf8)[...]
}

// MARK: - What goes

extension ViewerParty {
    /// Sends what is new in the rings, at most a burst of it.
    func send(video: borrowing PacketRing, audio: borrowing PacketRing, now: Duration) {
        guard let channel = connection.channel, let address = connection.address else { return }
        isBehind = false
        if var track = session.video {
            isBehind = send(&track, video, isVideo: true, channel, address, now)
            session.video = track
        }
        if var track = session.audio {
            if send(&track, audio, isVideo: false, channel, address, now) { isBehind = true }
            session.audio = track
        }
    }

    /// Sends a packet again, in the stream of repairs. Without one it can not be: SRTP takes no number twice.
    func resend(
        _ kind: SendKind, _ sequence: Int64, _ number: UInt16, of ring: borrowing PacketRing, now: Duration
    ) {
        guard var track = kind == .video ? session.video : session.audio, track.format.repair != nil,
            let packet = ring[sequence], let channel = connection.channel, let address = connection.address
        else { return loop.metrics.repairsImpossible.add() }
        loop.scratch.removeAll(keepingCapacity: true)
        var transport = session.transport
        _ = track.appendAgain(packet, number, of: ring, transport: &transport, now: now, to: &loop.scratch)
        session.transport = transport
        if kind == .video { session.video = track } else { session.audio = track }
        put(channel, address)
        loop.metrics.repairs.add()
    }

    /// Returns whether there is more.
    private func send(
        _ track: inout SendTrack, _ ring: borrowing PacketRing, isVideo: Bool, _ channel: SecureChannel,
        _ address: DatagramAddress, _ now: Duration
    ) -> Bool {
        guard var next = place(&track, ring, isVideo: isVideo) else { return false }
        let end = ring.sequences.upperBound
        var left = max(Self.burst, Int(end - next) / Self.bursts)
        var transport = session.transport
        defer { session.transport = transport }
        while next < end {
            guard left > 0 else { return true }
            if let packet = ring[next] {
                left -= 1
                loop.scratch.removeAll(keepingCapacity: true)
                track.append(
                    packet, of: ring, playoutDelay: isVideo ? playoutDelay() : nil, transport: &transport, now: now,
                    to: &loop.scratch)
                session.sent(bytes: loop.scratch.count, number: nil, now: now)
                put(channel, address)
            }
            next += 1
        }
        return false
    }

    /// Which number of the ring is next; nil where nothing can be sent yet. A viewer that lost its place goes on at the
    /// newest random access point.
    private func place(_ track: inout SendTrack, _ ring: borrowing PacketRing, isVideo: Bool) -> Int64? {
        let sequences = ring.sequences
        if let next = track.next, next >= sequences.lowerBound { return next }
        let start = isVideo ? ring.randomAccess : sequences.isEmpty ? nil : sequences.upperBound - 1
        guard let start, let packet = ring[start] else { return nil }
        if track.layer != nil { loop.metrics.groupsSkipped.add() }
        track.begin(at: packet, of: 0)
        return start
    }

    /// At first a player is told to wait for nothing, so that it does not keep what it was behind as latency.
    private func playoutDelay() -> PlayoutDelay? {
        guard hastened > 0 else { return nil }
        hastened -= 1
        return hastened > 0 ? PlayoutDelay.none : PlayoutDelay(minimum: .zero, maximum: .milliseconds(400))
    }

    private func put(_ channel: SecureChannel, _ address: DatagramAddress) {
        let count = loop.scratch.count
        loop.sender.append(to: address, capacity: count + channel.overhead) { buffer in
            channel.protect(loop.scratch, into: buffer)
        }
        untold += count
        loop.metrics.packetsSent.add()
        loop.metrics.bytesSent.add(count)
    }
}
