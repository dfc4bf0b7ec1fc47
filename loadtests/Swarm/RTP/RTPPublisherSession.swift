// SPDX-License-Identifier: Apache-2.0

import RTP

/// One publisher of plain RTP: the pictures of a clip as packets (RFC 3550), without sound.
public struct RTPPublisherSession: Sendable {
    private let source: UInt32
    private var pictures: ClipPictures
    private var nextNumber: UInt16 = 0

    /// A publisher that has sent nothing.
    /// - Parameters:
    ///   - pictures: those of its clip, from the beginning.
    ///   - source: the SSRC of its packets.
    public init(_ pictures: ClipPictures, source: UInt32) {
        self.pictures = pictures
        self.source = source
    }

    /// When the next unit is due, after the stream's beginning.
    public var due: Duration { pictures.due }

    /// Appends the packets of the next unit if it is due; a unit of sound has none.
    /// - Parameters:
    ///   - elapsed: the time since the stream began.
    ///   - stamp: what is written over the end of a picture; nil for nothing.
    public mutating func next(elapsed: Duration, stamp: Duration?, now: Duration, into packets: inout [[UInt8]]) {
        guard let picture = pictures.next(elapsed: elapsed, stamp: stamp, now: now) else { return }
        let batch = pictures.payloads
        for index in 0..<batch.count {
            let header = RTPHeader(
                marker: index == batch.count - 1, payloadType: Self.payloadType, sequenceNumber: nextNumber,
                timestamp: UInt32(truncatingIfNeeded: picture.timestamp), source: source)
            nextNumber &+= 1
            var packet: [UInt8] = []
            packet.reserveCapacity(RTPHeader.length + batch.range(index).count)
            RTPPacket(header: header, payload: batch[index]).append(to: &packet)
            packets.append(packet)
        }
    }

    /// The stream in SDP (RFC 8866), as a node is told of it.
    /// - Parameter port: where its packets go.
    public func description(port: Int) -> String {
        let codec = pictures.codec
        var lines = [
            "v=0", "o=- \(source) 1 IN IP4 127.0.0.1", "s=millrace-load", "c=IN IP4 127.0.0.1", "t=0 0",
            "m=video \(port) RTP/AVP \(Self.payloadType)",
            "a=rtpmap:\(Self.payloadType) \(codec.encodingName)/90000",
        ]
        if codec == .h264 { lines.append("a=fmtp:\(Self.payloadType) packetization-mode=1") }
        lines.append("a=ssrc:\(source) cname:millrace-load-\(source)")
        return lines.map { $0 + "\r\n" }.joined()
    }

    /// The first of those that mean nothing by themselves (RFC 3551 §6).
    private static let payloadType: UInt8 = 96
}
