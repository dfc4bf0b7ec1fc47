// SPDX-License-Identifier: Apache-2.0

public import Bytes
import CMAF
public import Feed
public import Identity
import Media

/// The media of a window as bytes: written at the first wish for them, from the feed's records alone, and kept instead
/// of the units once every rendition was written.
extension MediaWindow {
    /// The bytes of a part; nil where no part has this name here. Also of a part that is not committed yet, which the
    /// gateway needs for a segment's digest.
    public mutating func part(_ position: PartPosition, term: Term, rendition: RenditionName) -> [UInt8]? {
        guard let index = place(of: position.msn, term: term), segments[index].parts.indices.contains(position.part)
        else { return nil }
        return fragment(segment: index, part: position.part, rendition: rendition)
    }

    /// The bytes of a segment: those of its parts, one behind the other; nil where no segment has this name here, or
    /// where it is still open.
    public mutating func segment(_ msn: MediaSequenceNumber, term: Term, rendition: RenditionName) -> [[UInt8]]? {
        guard let index = place(ofWhole: msn, term: term), segments[index].phase != .open, !segments[index].isGap
        else { return nil }
        var chunks: [[UInt8]] = []
        chunks.reserveCapacity(segments[index].parts.count)
        for part in segments[index].parts.indices {
            guard let bytes = fragment(segment: index, part: part, rendition: rendition) else { return nil }
            chunks.append(bytes)
        }
        return chunks
    }

    /// The bytes of an init section; nil where none has this name here.
    public mutating func initSection(_ number: UInt32, term: Term, rendition: RenditionName) -> [UInt8]? {
        guard let index = births.lastIndex(where: { $0.term == term && $0.parameters.number == number }) else {
            return nil
        }
        if let written = births[index].initSections.first(where: { $0.rendition == rendition }) { return written.bytes }
        let tracks = births[index].tracks(rendition)
        guard !tracks.isEmpty else { return nil }
        let bytes = InitSectionWriter.write(tracks)
        keep(bytes, birth: index, for: rendition)
        return bytes
    }

    /// Writes a part for all renditions, from then on kept instead of its units.
    /// - Returns: where the payload of each of its units now is, in feed order; empty where the window has no such part,
    ///   or nothing writes one of its units.
    public mutating func write(_ position: PartPosition, term: Term) -> [ByteSlice] {
        guard let index = place(of: position.msn, term: term), segments[index].parts.indices.contains(position.part),
            let birth = birth(of: segments[index])
        else { return [] }
        let part = segments[index].parts[position.part]
        var payloads = [ByteSlice?](repeating: nil, count: part.units.count)
        for rendition in birth.renditions {
            guard let bytes = fragment(segment: index, part: position.part, rendition: rendition) else { continue }
            let written = FragmentWriter.payloads(of: part.fragment(of: birth.tracks(rendition)), in: bytes)
            for (unit, payload) in written.enumerated() { payloads[unit] = payload ?? payloads[unit] }
        }
        let whole = payloads.compactMap { $0 }
        return whole.count == payloads.count ? whole : []
    }

    private mutating func fragment(segment index: Int, part: Int, rendition: RenditionName) -> [UInt8]? {
        if let written = segments[index].parts[part].fragment(rendition) { return written }
        guard let birth = birth(of: segments[index]), birth.renditions.contains(rendition) else { return nil }
        let bytes = FragmentWriter.write(segments[index].parts[part].fragment(of: birth.tracks(rendition)))
        keep(bytes, segment: index, part: part, for: rendition, of: birth.renditions.count)
        return bytes
    }
}
