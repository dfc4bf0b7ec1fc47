// SPDX-License-Identifier: Apache-2.0

public import Media
import RTMP
import RTP

/// One publisher of plain RTP: the pictures of a clip that is played for ever at the speed of life, as packets (RFC 3550).
/// Sound stays behind: that of most clips is AAC, which nobody takes over RTP.
public struct RTPPublisherSession: Sendable {
    /// Why a clip can not be published.
    public enum Failure: Error, Hashable, Sendable {
        /// It has no pictures that RTP carries.
        case noPictures
    }

    private let source: UInt32
    private let codec: RTPCodec
    private var cursor: ClipCursor
    private var media = MediaFromRTMP()
    private var outgoing: RTPFromMedia
    private var batch = PayloadBatch()
    private var events: [MediaFromRTMP.Event] = []
    private var nextNumber: UInt16 = 0

    /// A publisher that has sent nothing.
    /// - Parameters:
    ///   - source: the SSRC of its packets.
    ///   - wall: civil time at `now`.
    public init(_ clip: Clip, source: UInt32, wall: WallTime, now: Duration) throws(Failure) {
        for message in clip.preamble { try? media.accept(message, into: &events) }
        guard let sets = events.lazy.compactMap(Self.parameters).first, let codec = RTPCodec(sets.codec) else {
            throw .noPictures
        }
        events.removeAll()
        self.source = source
        self.codec = codec
        cursor = ClipCursor(clip)
        outgoing = RTPFromMedia(wall: wall, now: now)
        outgoing.begin([Track(id: .video, parameters: sets)])
    }

    /// When the next unit is due, after the stream's beginning.
    public var due: Duration { cursor.due }

    /// Appends the packets of the next unit if it is due; a unit of sound has none.
    /// - Parameters:
    ///   - elapsed: the time since the stream began.
    ///   - stamp: what is written over the end of a picture; nil for nothing.
    public mutating func next(elapsed: Duration, stamp: Duration?, now: Duration, into packets: inout [[UInt8]]) {
        guard let tag = cursor.next(elapsed: elapsed), tag.kind == .video else { return }
        let message = MediaMessage(kind: .video, timestamp: tag.timestamp, body: tag.payload)
        try? media.accept(message, into: &events)
        for event in events {
            switch event {
            case .accessUnit(let unit): send(unit, stamp: stamp, now: now, &packets)
            case .metadata: break
            case .parameters(_, let sets): outgoing.change([Track(id: .video, parameters: sets)])
            }
        }
        events.removeAll(keepingCapacity: true)
    }

    /// The stream in SDP (RFC 8866), as a node is told of it.
    /// - Parameter port: where its packets go.
    public func description(port: Int) -> String {
        var lines = [
            "v=0", "o=- \(source) 1 IN IP4 127.0.0.1", "s=millrace-load", "c=IN IP4 127.0.0.1", "t=0 0",
            "m=video \(port) RTP/AVP \(Self.payloadType)",
            "a=rtpmap:\(Self.payloadType) \(codec.encodingName)/90000",
        ]
        if codec == .h264 { lines.append("a=fmtp:\(Self.payloadType) packetization-mode=1") }
        lines.append("a=ssrc:\(source) cname:millrace-load-\(source)")
        return lines.map { $0 + "\r\n" }.joined()
    }
}

extension RTPPublisherSession {
    private static func parameters(_ event: MediaFromRTMP.Event) -> ParameterSets? {
        guard case .parameters(let track, let sets) = event, track == .video else { return nil }
        return sets
    }

    /// Times are the publisher's, in milliseconds; those of packets are of 90 kHz.
    private mutating func send(_ unit: AccessUnit, stamp: Duration?, now: Duration, _ packets: inout [[UInt8]]) {
        var unit = unit
        unit.decodeTime = unit.decodeTime.converted(to: .video)
        unit.compositionOffset = unit.compositionOffset &* 90
        if let stamp { unit.payload = FrameStamp.write(stamp, over: unit.payload) }
        guard case .payloads(let timestamp) = outgoing.packetize(unit, now: now, into: &batch) else { return }
        for index in 0..<batch.count {
            let header = RTPHeader(
                marker: index == batch.count - 1, payloadType: Self.payloadType, sequenceNumber: nextNumber,
                timestamp: UInt32(truncatingIfNeeded: timestamp), source: source)
            nextNumber &+= 1
            var packet: [UInt8] = []
            packet.reserveCapacity(RTPHeader.length + batch.range(index).count)
            RTPPacket(header: header, payload: batch[index]).append(to: &packet)
            packets.append(packet)
        }
    }

    /// The first of those that mean nothing by themselves (RFC 3551 §6).
    private static let payloadType: UInt8 = 96
}
