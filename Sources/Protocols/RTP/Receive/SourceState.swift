// SPDX-License-Identifier: Apache-2.0

/// One layer of a publisher: its buffer, what is reported of it, and what was last asked of it.
struct SourceState: Sendable {
    let source: ReceiveSource
    var buffer: ReorderBuffer
    /// nil before the first packet.
    private(set) var ssrc: UInt32?
    private(set) var counters: ReceptionCounters?
    var lastReport: (time: NTPTime, arrival: Duration)?
    /// When a random access point was last asked for.
    var asked: Duration?
    /// The number of the next full intra request.
    var requests: UInt8 = 0
    private var timestamps = WrappingCounter<UInt32>()

    init(_ source: ReceiveSource, _ media: ReceiveMedia, _ settings: ReorderSettings) {
        self.source = source
        buffer = ReorderBuffer(media.feedback.contains(.nack) ? settings : .withoutRequests)
    }

    /// A publisher whose encoder begins anew may do so with another SSRC, and other numbers. Returns whether it did.
    mutating func follow(_ ssrc: UInt32) -> Bool {
        defer { self.ssrc = ssrc }
        guard let before = self.ssrc, before != ssrc else { return false }
        counters = nil
        lastReport = nil
        timestamps = WrappingCounter()
        return true
    }

    /// Retransmissions count as received, so that the loss reported is what was not mended, and say nothing on jitter.
    mutating func count(_ packet: RTPPacket, _ sequence: Int64, _ codec: RTPCodec, isRepair: Bool, now: Duration) {
        if counters == nil { counters = ReceptionCounters(timescale: codec.timescale) }
        if isRepair {
            counters?.repair()
        } else {
            counters?.receive(sequence, timestamp: packet.header.timestamp, now: now)
        }
    }

    /// A packet that left the buffer; nil for one whose payload type is none of its m-line.
    mutating func received(_ packet: RTPPacket, _ sequence: Int64, _ media: [ReceiveMedia]) -> ReceivedPacket? {
        guard case .codec(let codec)? = media[source.media].formats[packet.header.payloadType] else { return nil }
        return ReceivedPacket(
            source: source, codec: codec, sequence: sequence, timestamp: timestamps.unwrap(packet.header.timestamp),
            marker: packet.header.marker, payload: packet.payload)
    }

    /// The instant of a sender report on the unwrapped clock; nil before the first packet.
    func clock(_ report: SenderReport) -> ClockReport? {
        guard timestamps.highest != nil else { return nil }
        return ClockReport(time: report.time, timestamp: timestamps.peek(report.timestamp))
    }

    mutating func reception(now: Duration) -> ReceptionReport? {
        guard let ssrc else { return nil }
        return counters?.report(source: ssrc, lastReport: lastReport, now: now)
    }
}
