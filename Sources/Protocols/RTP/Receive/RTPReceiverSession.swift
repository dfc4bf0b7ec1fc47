// SPDX-License-Identifier: Apache-2.0

public import Bytes

/// The media of one publisher: puts each layer's packets in order, asks for those that are missing, and reports.
///
/// It is fed datagrams that were decrypted already, RTP and RTCP apart, and sorts sources by what was negotiated. What
/// it holds is bounded: two SSRCs and one reorder buffer a negotiated layer.
public struct RTPReceiverSession: Sendable {
    /// What came of an event.
    public enum Directive: Hashable, Sendable {
        /// The publisher goes on with the source under another SSRC, on a clock that stands elsewhere.
        case began(ReceiveSource)
        /// The source says that it left.
        case goodbye(ReceiveSource)
        /// So many packets of a source are lost for good, here in its order.
        case lost(ReceiveSource, Int64)
        /// The next packet of a source.
        case packet(ReceivedPacket)
        /// Which instant of a source's clock was which civil time.
        case report(ReceiveSource, ClockReport)
        /// RTCP for the publisher, to be encrypted.
        case send([UInt8])
    }

    /// What was passed over, to be counted.
    public struct Ignored: Hashable, Sendable {
        /// Datagrams that were no RTP or RTCP.
        public internal(set) var malformed = 0
        /// Packets whose SSRC or payload type nobody negotiated.
        public internal(set) var unknown = 0
        /// RTP packets, in all.
        public internal(set) var packets = 0
    }

    /// What was passed over so far.
    public internal(set) var ignored = Ignored()
    let settings: ReceiveSettings
    var table: SourceTable
    var sources: [SourceState]
    var arrivals = ArrivalLog()
    var nextReport: Duration?
    var nextFeedback: Duration?
    private var output: [ReorderBuffer.Output] = []

    /// A session that has received nothing.
    public init(_ settings: ReceiveSettings) {
        self.settings = settings
        table = SourceTable(settings.media)
        sources = settings.media.enumerated().flatMap { index, media in
            (0..<max(1, media.rids.count)).map {
                SourceState(ReceiveSource(media: index, layer: $0), media, settings.reorder)
            }
        }
    }

    /// Takes one RTP datagram.
    public mutating func receive(rtp datagram: ByteSlice, now: Duration, into directives: inout [Directive]) {
        guard let packet = try? RTPPacket(parsing: datagram) else {
            ignored.malformed += 1
            return
        }
        ignored.packets += 1
        let known = table.entry(packet.header.source)
        if known == nil || settings.extensions.transportSequence != nil {
            let values = ExtensionValues(packet.extensions, settings.extensions)
            if let number = values.transportSequence { arrivals.receive(number, now: now) }
            guard let entry = known ?? table.learn(packet, values) else {
                ignored.unknown += 1
                return
            }
            receive(packet, entry, now: now, &directives)
        } else if let known {
            receive(packet, known, now: now, &directives)
        }
    }

    /// What was asked for and came, was doubled, late or given up, of one layer.
    public func counters(_ source: ReceiveSource) -> ReorderBuffer.Counters? {
        sources.first { $0.source == source }?.buffer.counters
    }

    private mutating func receive(
        _ packet: RTPPacket, _ entry: SourceTable.Entry, now: Duration, _ directives: inout [Directive]
    ) {
        begin(now: now)
        guard let index = sources.firstIndex(where: { $0.source == entry.source }),
            let (packet, codec) = original(packet, entry)
        else {
            ignored.unknown += 1
            return
        }
        output.removeAll(keepingCapacity: true)
        if !entry.isRepair { follow(entry.ssrc, index, &directives) }
        let sequence =
            entry.isRepair
            ? sources[index].buffer.insert(repair: packet, now: now, into: &output)
            : sources[index].buffer.insert(packet, now: now, into: &output)
        if let sequence { sources[index].count(packet, sequence, codec, isRepair: entry.isRepair, now: now) }
        deliver(index, &directives)
    }

    /// Takes note of the SSRC of a source; where it is another than before, what waited leaves.
    private mutating func follow(_ ssrc: UInt32, _ index: Int, _ directives: inout [Directive]) {
        guard sources[index].ssrc != ssrc else { return }
        sources[index].buffer.begin(into: &output)
        deliver(index, &directives)
        output.removeAll(keepingCapacity: true)
        if sources[index].follow(ssrc) { directives.append(.began(sources[index].source)) }
    }

    /// The packet as media, and its codec; nil for what is no media, and for a repair of an unknown source.
    private func original(_ packet: RTPPacket, _ entry: SourceTable.Entry) -> (RTPPacket, RTPCodec)? {
        let formats = settings.media[entry.source.media].formats
        switch formats[packet.header.payloadType] {
        case .codec(let codec): return entry.isRepair ? nil : (packet, codec)
        case .retransmission(let type):
            guard case .codec(let codec)? = formats[type], let ssrc = table.ssrc(entry.source),
                let packet = packet.original(source: ssrc, payloadType: type)
            else { return nil }
            return (packet, codec)
        case .ignored, nil: return nil
        }
    }

    /// Passes on what left a source's buffer.
    mutating func deliver(_ index: Int, _ directives: inout [Directive]) {
        for item in output {
            switch item {
            case .lost(let count): directives.append(.lost(sources[index].source, count))
            case .packet(let packet, let sequence):
                if let received = sources[index].received(packet, sequence, settings.media) {
                    directives.append(.packet(received))
                }
            }
        }
    }

    /// Gives up what was waited for too long.
    mutating func giveUp(_ index: Int, now: Duration, _ directives: inout [Directive]) {
        output.removeAll(keepingCapacity: true)
        sources[index].buffer.tick(now: now, into: &output)
        deliver(index, &directives)
    }

    /// Reports begin with the first packet.
    private mutating func begin(now: Duration) {
        if nextReport == nil { nextReport = now + settings.reportInterval / 2 }
        if nextFeedback == nil, settings.extensions.transportSequence != nil {
            nextFeedback = now + settings.feedbackInterval
        }
    }
}
