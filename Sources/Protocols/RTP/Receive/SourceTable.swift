// SPDX-License-Identifier: Apache-2.0

import Bytes

/// Which layer of which m-line a publisher's SSRC belongs to, RFC 8843 §9.2 and RFC 8853 §5.4.
///
/// What header extensions say stands above what was signalled, and that above what the payload type allows: browsers
/// signal no SSRC for simulcast, ffmpeg and aiortc write no extension that names a layer.
struct SourceTable: Sendable {
    struct Entry: Sendable {
        let ssrc: UInt32
        let source: ReceiveSource
        let isRepair: Bool
    }

    private let media: [ReceiveMedia]
    private var entries: [Entry] = []

    init(_ media: [ReceiveMedia]) {
        self.media = media
        for (index, line) in media.enumerated() {
            for (layer, signalled) in line.sources.prefix(max(1, line.rids.count)).enumerated() {
                let source = ReceiveSource(media: index, layer: layer)
                entries.append(Entry(ssrc: signalled.media, source: source, isRepair: false))
                if let repair = signalled.repair { entries.append(Entry(ssrc: repair, source: source, isRepair: true)) }
            }
        }
    }

    /// Where an SSRC is known to belong.
    func entry(_ ssrc: UInt32) -> Entry? { entries.first { $0.ssrc == ssrc } }

    /// Where a packet of an unknown SSRC belongs, which is remembered; nil where nothing tells, or the table is full.
    mutating func learn(_ packet: RTPPacket, _ values: ExtensionValues) -> Entry? {
        guard let index = line(packet.header.payloadType, values),
            let format = media[index].formats[packet.header.payloadType]
        else { return nil }
        let isRepair = if case .retransmission = format { true } else { false }
        guard let layer = layer(index, values, isRepair: isRepair) else { return nil }
        let entry = Entry(
            ssrc: packet.header.source, source: ReceiveSource(media: index, layer: layer), isRepair: isRepair)
        // A new SSRC takes the place of the one before, so there are never more than two a layer.
        entries.removeAll { $0.source == entry.source && $0.isRepair == isRepair }
        entries.append(entry)
        return entry
    }

    /// The SSRC of a layer's media, where it is known.
    func ssrc(_ source: ReceiveSource) -> UInt32? { entries.first { $0.source == source && !$0.isRepair }?.ssrc }

    /// The m-line that the packet names, else the only one that has its payload type.
    private func line(_ payloadType: UInt8, _ values: ExtensionValues) -> Int? {
        if let mid = values.mid { return media.firstIndex { mid.elementsEqual($0.mid.utf8) } }
        let lines = media.indices.filter { media[$0].formats[payloadType] != nil }
        return lines.count == 1 ? lines.first : nil
    }

    private func layer(_ index: Int, _ values: ExtensionValues, isRepair: Bool) -> Int? {
        let rids = media[index].rids
        if let rid = isRepair ? values.repairedRID ?? values.rid : values.rid {
            return rids.firstIndex { rid.elementsEqual($0.utf8) } ?? (rids.isEmpty ? 0 : nil)
        }
        return rids.count <= 1 ? 0 : nil
    }
}
