// SPDX-License-Identifier: Apache-2.0

import Bytes

/// One track as one viewer gets it: the viewer's own numbers for the packets of a ring. Plain bytes.
///
/// The viewer's sequence numbers and timestamps only go forward, whatever ring, layer or place in it they continue with:
/// a number that is sent twice under one SRTP key with other bytes would give the key away (RFC 3711 §9.1). A packet is
/// sent again either in a stream of its own (RFC 4588), or as exactly the bytes it was; so a track without such a stream
/// writes no extension whose value differs from one sending to the next.
public struct SendTrack: Sendable {
    /// What was negotiated.
    public let format: SendFormat
    /// Whether packets bear numbers of the transport, where those were negotiated: a receiver reports on what bears one,
    /// which is of use only where its bandwidth is estimated.
    public var isNumbered = true
    /// Packets sent, those sent again not among them.
    public private(set) var packetsSent: UInt64 = 0
    /// Bytes of payload sent, those sent again not among them.
    public private(set) var octetsSent: UInt64 = 0
    /// The number sent last, unwrapped.
    public private(set) var newest: Int64
    /// The highest time sent, on the track's clock as the viewer sees it.
    public private(set) var newestTimestamp: Int64?
    /// Where the ring and the viewer stand to each other now.
    private var current: Piece?
    /// The same before the last change, for packets that are asked for again.
    private var former: Piece?
    /// What the last packet of VP8 told, as the viewer sees it.
    private var newestPicture: VP8Shift?
    private let firstTimestamp: Int64
    private var newestRepair: Int64

    /// A stretch over which the distance between the ring's numbers and the viewer's is the same.
    private struct Piece {
        var layer: UInt8
        /// The viewer's first number in it.
        var first: Int64
        /// The viewer's number minus the ring's.
        var distance: Int64
        /// The viewer's time minus the ring's.
        var shift: Int64
        /// The ring's time of its first packet.
        var origin: Int64
        /// How much later than by the shift alone its first packet is shown, since that much was shown already.
        var lag: Int32
        /// The same for the numbers of VP8's pictures; nil before the first packet.
        var pictures: VP8Shift?

        /// The viewer's time of a packet: times pass at a sixteenth of their pace until the lag is made up for. It depends
        /// on the packet alone, so that what is sent again is the same.
        func time(of packet: PacketRing.Packet) -> Int64 {
            let left = Int64(lag) - (packet.timestamp - origin) * 15 / 16
            return packet.timestamp + shift + max(0, left)
        }
    }

    /// A track of which nothing was sent.
    /// - Parameters:
    ///   - firstSequence: the number before the first. Below 2^15, so that a receiver that misses the first packets
    ///     can not guess a wrong rollover (RFC 3711 §3.3.1).
    ///   - firstTimestamp: what is added to the ring's times at first.
    public init(_ format: SendFormat, firstSequence: UInt16, firstTimestamp: UInt32) {
        self.format = format
        newest = Int64(firstSequence & 0x7FFF)
        newestRepair = Int64(firstSequence & 0x7FFF)
        self.firstTimestamp = Int64(firstTimestamp)
    }

    /// Whether packets bear numbers of the transport now.
    public var hasNumbers: Bool { isNumbered && format.extensions.transportSequence != nil }

    /// The layer whose packets are sent; nil before `begin(at:of:)`.
    public var layer: UInt8? { current?.layer }

    /// The ring's number that is to be sent next; nil before `begin(at:of:)`.
    public var next: Int64? { current.map { newest + 1 - $0.distance } }

    /// Whether another layer can be begun with at a packet: it is shown after all that was sent, or so little before that
    /// the viewer is brought level unnoticed. Layers of one moment come one after another, a large picture much later.
    public func canBegin(at packet: PacketRing.Packet) -> Bool { lag(of: packet) <= Self.longestLag }

    /// Goes on with the packets of a ring from `packet` on: at the beginning, at a change of layer, and after packets
    /// that this viewer is not sent. To the viewer the numbers go on without a hole. A ring that takes the place of another
    /// counts as another layer: what is sent again is looked up by layer and number.
    ///
    /// Times keep their distance to the ring's, and with it the pictures theirs to the sound. What is shown before what
    /// was sent is shown in quick succession; only where it is too much, as of a ring with other times, the distance grows.
    public mutating func begin(at packet: PacketRing.Packet, of layer: UInt8) {
        former = current ?? former
        var (shift, lag) = (current?.shift ?? firstTimestamp, lag(of: packet))
        if lag > Self.longestLag {
            shift += lag
            lag = 0
        }
        let pictures = layer == current?.layer ? current?.pictures : nil
        current = Piece(
            layer: layer, first: newest + 1, distance: newest + 1 - packet.sequence, shift: shift,
            origin: packet.timestamp, lag: Int32(truncatingIfNeeded: lag), pictures: pictures)
    }

    /// By how many ticks a packet would have to be shown earlier than what was sent; 0 where it is shown after that.
    private func lag(of packet: PacketRing.Packet) -> Int64 {
        newestTimestamp.map { max(0, $0 + 1 - packet.timestamp - (current?.shift ?? firstTimestamp)) } ?? 0
    }

    /// Half a second of pictures.
    private static let longestLag: Int64 = 45_000

    /// Appends a packet of the ring that `begin(at:of:)` named, encrypted by nobody yet, and returns its number,
    /// unwrapped: with the SSRC it makes SRTP's packet index.
    ///
    /// Packets are sent in the ring's order; numbers that the ring skipped are skipped for the viewer too.
    /// - Parameter transport: the number that the viewer's transport gives next; counted on where it is written.
    @discardableResult
    public mutating func append(
        _ packet: PacketRing.Packet, of ring: borrowing PacketRing, playoutDelay: PlayoutDelay? = nil,
        transport: inout UInt16, now: Duration, to bytes: inout [UInt8]
    ) -> Int64 {
        guard let current else { preconditionFailure("a packet before its ring is known") }
        let sequence = packet.sequence + current.distance
        precondition(sequence > newest, "number \(sequence) after \(newest)")
        newest = sequence
        let timestamp = current.time(of: packet)
        newestTimestamp = max(newestTimestamp ?? timestamp, timestamp)
        packetsSent += 1
        octetsSent += UInt64(packet.length)
        format.appendHeader(
            RTPHeader(
                marker: packet.marker, payloadType: format.payloadType,
                sequenceNumber: UInt16(truncatingIfNeeded: sequence),
                timestamp: UInt32(truncatingIfNeeded: timestamp), source: format.source),
            playoutDelay: playoutDelay, isNumbered: isNumbered, transport: &transport, now: now, to: &bytes)
        let start = bytes.count
        ring.appendPayload(of: packet, to: &bytes)
        if format.codec == .vp8 { shiftPictures(in: &bytes, at: start) }
        return sequence
    }

    /// Which packet of which ring the viewer means by a number; nil for one that was never sent, or too long ago.
    public func locate(_ number: UInt16) -> (layer: UInt8, sequence: Int64)? {
        let sequence = WrappingCounter.number(number, near: newest)
        guard sequence <= newest, let piece = piece(of: sequence) else { return nil }
        return (piece.layer, sequence - piece.distance)
    }

    /// Appends a packet once more that the viewer asked for by `number`: in the stream of retransmissions where there is
    /// one, else the bytes that were sent before. Returns its SSRC and its number there, unwrapped.
    public mutating func appendAgain(
        _ packet: PacketRing.Packet, _ number: UInt16, of ring: borrowing PacketRing, transport: inout UInt16,
        now: Duration, to bytes: inout [UInt8]
    ) -> (source: UInt32, sequence: Int64) {
        var sequence = WrappingCounter.number(number, near: newest)
        guard let piece = piece(of: sequence) else { preconditionFailure("number \(number) was never sent") }
        var header = RTPHeader(
            marker: packet.marker, payloadType: format.payloadType, sequenceNumber: number,
            timestamp: UInt32(truncatingIfNeeded: piece.time(of: packet)), source: format.source)
        if let repair = format.repair {
            newestRepair += 1
            sequence = newestRepair
            header.sequenceNumber = UInt16(truncatingIfNeeded: sequence)
            header.payloadType = repair.payloadType
            header.source = repair.source
        }
        format.appendHeader(
            header, playoutDelay: nil, isNumbered: isNumbered, transport: &transport, now: now, to: &bytes)
        if format.repair != nil { bytes.append(bigEndian: number) }
        let start = bytes.count
        ring.appendPayload(of: packet, to: &bytes)
        if format.codec == .vp8, let shift = piece.pictures { _ = shift.apply(to: &bytes, at: start) }
        return (header.source, sequence)
    }

    /// What a sender report says: the instant `time` is `timestamp` of the ring's clock.
    public func report(_ time: NTPTime, timestamp: Int64) -> SenderReport {
        SenderReport(
            source: format.source, time: time,
            timestamp: UInt32(truncatingIfNeeded: timestamp + (current?.shift ?? firstTimestamp)),
            packets: UInt32(truncatingIfNeeded: packetsSent), octets: UInt32(truncatingIfNeeded: octetsSent))
    }

    /// Makes the numbers of VP8's pictures go on where the former layer's ended: a decoder drops what seems older.
    private mutating func shiftPictures(in bytes: inout [UInt8], at start: Int) {
        let shift = current?.pictures ?? VP8Shift(from: bytes, at: start, after: newestPicture)
        current?.pictures = shift
        newestPicture = shift.apply(to: &bytes, at: start)
    }

    private func piece(of sequence: Int64) -> Piece? {
        if let current, sequence >= current.first { return current }
        if let former, sequence >= former.first { return former }
        return nil
    }
}
