// SPDX-License-Identifier: Apache-2.0

public import Media

/// Packets of one publisher put into rings as they came: the way of VP8 and VP9 from WHIP to WHEP, and of the sound
/// beside them, which must be on the same clock.
///
/// Access units can not be made of them, so they go to no other protocol and to no other node. Times are those of
/// `SourceClockTable`, moved forward by an `OutgoingTimeline` as those of the feed are.
public struct PassThrough: Sendable {
    /// Packets that were too long for a ring.
    public private(set) var tooLong = 0
    private var clocks = SourceClockTable()
    private var timeline: OutgoingTimeline
    private var open: [(source: ReceiveSource, wire: Int64, placed: Int64?)] = []

    /// A publisher of which nothing came.
    /// - Parameter wall: civil time at `now`.
    public init(wall: WallTime, now: Duration) { timeline = OutgoingTimeline(wall: wall, now: now) }

    /// What sender reports say.
    public var clock: SendClock { timeline.clock }

    /// Another publisher begins: what comes is sent behind what was sent.
    public mutating func begin() {
        clocks = SourceClockTable()
        open = []
        timeline.begin()
    }

    /// Puts a packet into the ring of its source. Returns its number there; nil for one that carries nothing, that is too
    /// long, or that would not go forward.
    @discardableResult
    public mutating func receive(_ packet: ReceivedPacket, now: Duration, into ring: inout PacketRing) -> Int64? {
        guard packet.payload.count <= ring.settings.longestPayload else {
            tooLong += 1
            return nil
        }
        guard !packet.payload.isEmpty, let timestamp = place(packet, now: now) else { return nil }
        return ring.append(
            packet.payload, timestamp: timestamp, marker: packet.marker,
            beginsRandomAccess: packet.codec.beginsRandomAccess(packet.payload), now: now)
    }

    /// A source goes on under another SSRC, on a clock that stands elsewhere.
    public mutating func begin(_ source: ReceiveSource) {
        clocks.forget(source)
        open.removeAll { $0.source == source }
    }

    /// Takes what a source reports of its clock.
    public mutating func receive(_ report: ClockReport, of source: ReceiveSource) {
        clocks.receive(report, of: source)
    }

    /// The outgoing time, the same for all packets of a picture.
    private mutating func place(_ packet: ReceivedPacket, now: Duration) -> Int64? {
        if let known = open.first(where: { $0.source == packet.source }), known.wire == packet.timestamp {
            return known.placed
        }
        // Layers of one stream are tracks of their own on its timeline.
        let track = TrackID(UInt8(truncatingIfNeeded: packet.source.media << 4 | packet.source.layer))
        let placed = timeline.place(clocks.time(packet, now: now), track: track, now: now)?.ticks
        open.removeAll { $0.source == packet.source }
        open.append((packet.source, packet.timestamp, placed))
        return placed
    }
}
