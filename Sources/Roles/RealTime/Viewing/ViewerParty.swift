// SPDX-License-Identifier: Apache-2.0

import Datagrams
import Identity
import Layers
import RTP
import Replica
import Telemetry
import WebRTC

/// One WHEP viewer: its numbers for the packets of its stream's rings, and what it reports.
final class ViewerParty: MediaParty {
    /// Whether there is more to send than the last burst took.
    private(set) var isBehind = false
    // The connection owns this, and the loop both; a counted reference to each would be taken for every packet.
    private unowned(unsafe) let connection: SecureConnection
    private unowned(unsafe) let loop: RealTimeLoop
    private let replica: StreamReplica
    private let viewer: UInt64
    private var session: RTPSenderSession
    private var fanout: StreamFanout?
    private var choice = LayerChoice()
    /// What the way carries, in bits a second; nil where nobody tells.
    private var estimate: UInt64?
    /// Whether the viewer reports what could tell what the way carries.
    private let reportsWay: Bool
    private var directives: [RTPSenderSession.Directive] = []
    /// How many more packets of video tell the player to show them at once.
    private var hastened = 0
    /// Whether its connection of TCP was full, so that it may be too far behind to see all, or to hear all.
    private var isHeldUp = (video: false, audio: false)
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
        reportsWay = plan.tracks.contains { track in
            track.codec.kind == .video && !track.format.feedback.isDisjoint(with: [.transportCC, .maximumBitrate])
        }
        number(false)
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

    /// Ends the session. The loop lets go of the connection meanwhile.
    func close(_ end: SessionEnd, now: Duration) {
        let connection = connection
        withExtendedLifetime(connection) { connection.close(end, now: now) }
    }

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

    /// How many packets of sound a viewer who was held up is sent late: half a second.
    private static let latestSound: Int64 = 25
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
            case .estimate(let bits): estimate = bits
            case .goodbye: return close(.left, now: now)
            case .randomAccess(let kind): if kind == .video { fanout.requestRandomAccess(now: now) }
            case .resend(let kind, let layer, let sequence, let number):
                fanout.resend(kind, layer: layer, sequence, number, to: self, now: now)
            }
        }
    }

    func tick(now: Duration) {
        if let fanout { choose(fanout, now: now) }
        guard let fanout, let due = session.nextDeadline, now >= due else { return }
        loop.scratch.removeAll(keepingCapacity: true)
        session.appendReports(
            clock: fanout.clock, canonicalName: Self.canonicalName, now: now, to: &loop.scratch)
        connection.send(rtcp: loop.scratch)
        tell()
    }

    /// Chooses the layer anew. The change waits for a random access point of the layer, which the publisher is asked for
    /// where it is urgent.
    private func choose(_ fanout: StreamFanout, now: Duration) {
        guard fanout.layers.count > 1, let track = session.video else { return }
        let offers = fanout.layers.offers
        if reportsWay, session.estimator == nil {
            // Begun with the largest layer: the way shows by itself that it is too much.
            session.estimator = BandwidthEstimator(bitsPerSecond: Self.firstEstimate(for: offers))
            number(true)
        }
        choice.choose(among: offers, estimate: estimate, now: now)
        session.estimator?.goal = choice.goal(among: offers) ?? 0
        guard let chosen = choice.chosen, chosen != track.layer else { return }
        // A way that carries more can wait for the next segment, or of many viewers one would always ask.
        let isLarger = track.layer.flatMap { layer in
            fanout.layers[layer: layer].map { $0.pixels < fanout.layers[layer: chosen]?.pixels ?? 0 }
        }
        if choice.wish != nil || isLarger != true { fanout.requestRandomAccess(now: now) }
    }

    /// Whether the viewer is to report on what it is sent.
    private func number(_ isNumbered: Bool) {
        session.video?.isNumbered = isNumbered
        session.audio?.isNumbered = isNumbered
    }

    private static func firstEstimate(for offers: [LayerOffer]) -> UInt64 {
        max(1_000_000, (offers.last?.bitsPerSecond ?? 0) * 3 / 2)
    }

    /// Asks for a layer by its rendition; nil for the best that the way carries.
    func ask(for layer: RenditionName?, now: Duration) {
        guard let fanout else { return }
        choice.wish = fanout.layers.first { $0.rendition == layer }?.layer
        choose(fanout, now: now)
    }

    /// As the answer names our sources.
    private static let canonicalName = Array("millrace".utf8)[...]
}

// MARK: - What goes

extension ViewerParty {
    /// Sends what is new in the rings, at most a burst of it.
    func send(layers: [LayerRing], audio: borrowing PacketRing, now: Duration) {
        guard let channel = connection.channel, let address = connection.address else { return }
        isBehind = false
        // Pictures take all the room that a connection has.
        if connection.isStream { send(audio: audio, channel, address, now) }
        send(video: layers, channel, address, now)
        if !connection.isStream { send(audio: audio, channel, address, now) }
    }

    private func send(
        video layers: [LayerRing], _ channel: SecureChannel, _ address: DatagramAddress, _ now: Duration
    ) {
        guard var track = session.video else { return }
        change(&track, among: layers)
        if let number = track.layer ?? entry(layers), let index = layers.firstIndex(where: { $0.layer == number }) {
            let isBehind = send(&track, layers[index].ring, layer: number, isVideo: true, channel, address, now)
            self.isBehind = self.isBehind || isBehind
        }
        session.video = track
    }

    private func send(
        audio ring: borrowing PacketRing, _ channel: SecureChannel, _ address: DatagramAddress, _ now: Duration
    ) {
        guard var track = session.audio else { return }
        if send(&track, ring, layer: 0, isVideo: false, channel, address, now) { isBehind = true }
        session.audio = track
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

    /// Where a viewer begins: with the largest layer that is there.
    private func entry(_ layers: [LayerRing]) -> UInt8? {
        if let chosen = choice.chosen { return chosen }
        guard layers.count > 1 else { return layers.first?.layer }
        let offers = layers.offers
        return (offers.last { layers[layer: $0.layer]?.ring.randomAccess != nil } ?? offers.last)?.layer
    }

    /// Goes over to the layer that was chosen, where a random access point of it is there that follows what was sent.
    private func change(_ track: inout SendTrack, among layers: [LayerRing]) {
        guard let chosen = choice.chosen, let former = track.layer, former != chosen,
            let layer = layers[layer: chosen], let start = layer.ring.randomAccess, let packet = layer.ring[start],
            track.canBegin(at: packet)
        else { return }
        let isLarger = layer.pixels > layers[layer: former]?.pixels ?? 0
        loop.metrics.layerSwitched(isLarger: isLarger)
        track.begin(at: packet, of: chosen)
    }

    /// Returns whether there is more.
    private func send(
        _ track: inout SendTrack, _ ring: borrowing PacketRing, layer: UInt8, isVideo: Bool, _ channel: SecureChannel,
        _ address: DatagramAddress, _ now: Duration
    ) -> Bool {
        guard var next = place(&track, ring, layer: layer, isVideo: isVideo) else { return false }
        let end = ring.sequences.upperBound
        // A connection has its own pace, and its room is looked at before each picture.
        var left = connection.isStream ? Int.max : max(Self.burst, Int(end - next) / Self.bursts)
        var transport = session.transport
        defer { session.transport = transport }
        while next < end {
            guard left > 0, takesMore(before: next, of: ring, isVideo: isVideo) else { return true }
            if let packet = ring[next] {
                left -= 1
                loop.scratch.removeAll(keepingCapacity: true)
                let number = track.hasNumbers ? transport : nil
                track.append(
                    packet, of: ring, playoutDelay: isVideo ? playoutDelay() : nil, transport: &transport, now: now,
                    to: &loop.scratch)
                session.sent(bytes: loop.scratch.count, number: number, now: now)
                put(channel, address)
            }
            next += 1
        }
        return false
    }

    /// Which number of the ring is next; nil where nothing can be sent yet. A viewer that lost its place goes on at the
    /// newest random access point.
    private func place(
        _ track: inout SendTrack, _ ring: borrowing PacketRing, layer: UInt8, isVideo: Bool
    ) -> Int64? {
        let sequences = ring.sequences
        if let next = track.next, next >= sequences.lowerBound, !skips(next, of: ring, isVideo: isVideo) { return next }
        let start = isVideo ? ring.randomAccess : sequences.isEmpty ? nil : sequences.upperBound - 1
        guard let start, let packet = ring[start] else { return nil }
        if isVideo, track.layer != nil { loop.metrics.groupsSkipped.add() }
        track.begin(at: packet, of: layer)
        return start
    }

    /// Whether a connection of TCP takes another picture, or more sound. A picture that was begun is sent whole.
    private func takesMore(before next: Int64, of ring: borrowing PacketRing, isVideo: Bool) -> Bool {
        guard !connection.hasRoom, !isVideo || ring[next - 1]?.marker ?? true else { return true }
        if isVideo { isHeldUp.video = true } else { isHeldUp.audio = true }
        return false
    }

    /// Whether a viewer whose connection was full goes on further on: at the newest random access point, or the newest sound.
    private func skips(_ next: Int64, of ring: borrowing PacketRing, isVideo: Bool) -> Bool {
        guard isVideo ? isHeldUp.video : isHeldUp.audio, connection.hasRoom else { return false }
        guard isVideo else {
            isHeldUp.audio = false
            return ring.sequences.upperBound - next > Self.latestSound
        }
        isHeldUp.video = false
        return ring.randomAccess.map { $0 > next } ?? false
    }

    /// At first a player is told to wait for nothing, so that it does not keep what it was behind as latency.
    private func playoutDelay() -> PlayoutDelay? {
        guard hastened > 0 else { return nil }
        hastened -= 1
        return hastened > 0 ? PlayoutDelay.none : PlayoutDelay(minimum: .zero, maximum: .milliseconds(400))
    }

    private func put(_ channel: SecureChannel, _ address: DatagramAddress) {
        let count = loop.scratch.count
        connection.append(to: address, capacity: count + channel.overhead) { buffer in
            channel.protect(loop.scratch, into: buffer)
        }
        untold += count
        loop.metrics.packetsSent.add()
        loop.metrics.bytesSent.add(count)
    }
}
