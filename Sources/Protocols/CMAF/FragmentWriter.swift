// SPDX-License-Identifier: Apache-2.0

public import Bytes
import Feed
import Media

/// Hop 9 of a frame's life: writes one part as `moof` and `mdat`, ISO/IEC 14496-12 §8.8, ISO/IEC 23000-19 §7.3.
///
/// The bytes depend on the fragment alone, its version of the byte writer among it, so every node that holds a part's
/// units writes the same ones, and a segment is its parts one after the other.
///
/// Times are written as the feed has them. Composition offsets are signed and not shifted, and there is no edit list:
/// a track with B-frames is presented from its first unit's decode time plus its offset on, which is where the
/// publisher put it against the sound.
public enum FragmentWriter {
    /// Writes the part. Tracks without a unit in it are left out.
    public static func write(_ fragment: Fragment) -> [UInt8] {
        fragment.units.withUnsafeBufferPointer { units in
            let layout = Layout(fragment, units)
            var bytes: [UInt8] = []
            bytes.reserveCapacity(layout.byteCount)
            if fragment.isFirstInSegment { bytes.append(contentsOf: segmentType) }
            layout.referenceTime?.write(to: &bytes)
            writeHeader(to: &bytes, fragment, layout, units)
            bytes.writeBox(.mdat) { bytes in
                for run in layout.runs {
                    for index in units.indices where units[index].track == run.track {
                        bytes.append(contentsOf: units[index].payload)
                    }
                }
            }
            precondition(bytes.count == layout.byteCount, "\(bytes.count) bytes in a part of \(layout.byteCount)")
            return bytes
        }
    }

    /// How many bytes `write` would write.
    public static func byteCount(of fragment: Fragment) -> Int {
        fragment.units.withUnsafeBufferPointer { Layout(fragment, $0).byteCount }
    }

    /// Where the bytes written of a part hold its units' payloads: one slice for each unit, in feed order, which shares
    /// their storage; nil for units of other tracks.
    public static func payloads(of fragment: Fragment, in bytes: [UInt8]) -> [ByteSlice?] {
        var payloads = [ByteSlice?](repeating: nil, count: fragment.units.count)
        let units = fragment.units.enumerated().filter { fragment.tracks.contains($0.element.track) }
        var next = bytes.count - units.reduce(0) { $0 + $1.element.payload.count }
        for track in fragment.tracks {
            for (index, unit) in units where unit.track == track {
                payloads[index] = bytes[next..<next + unit.payload.count]
                next += unit.payload.count
            }
        }
        return payloads
    }

    private static func writeHeader(
        to bytes: inout [UInt8], _ fragment: Fragment, _ layout: Layout, _ units: UnsafeBufferPointer<AccessUnit>
    ) {
        var dataOffset = layout.movieSize + 8
        bytes.writeBox(.moof) { bytes in
            bytes.writeFullBox(.mfhd) { $0.append(bigEndian: fragment.sequenceNumber) }
            for run in layout.runs {
                run.write(to: &bytes, fragment.samples(of: run.track, units), dataOffset: dataOffset)
                dataOffset += run.payloadSize
            }
        }
    }

    /// What is known before the first byte is written.
    private struct Layout {
        private(set) var runs: [TrackRun] = []
        /// Bytes of the `moof` box.
        private(set) var movieSize = 8 + 16
        /// What stands before it.
        let referenceTime: ProducerReferenceTime?
        /// Bytes of the part.
        private(set) var byteCount: Int

        init(_ fragment: Fragment, _ units: UnsafeBufferPointer<AccessUnit>) {
            byteCount = fragment.isFirstInSegment ? FragmentWriter.segmentType.count : 0
            for track in fragment.tracks {
                guard let run = TrackRun(fragment.samples(of: track, units), track: track) else { continue }
                runs.append(run)
                movieSize += run.byteCount
                byteCount += run.payloadSize
            }
            referenceTime = Self.referenceTime(of: fragment, units, track: runs.first?.track)
            byteCount += movieSize + 8 + (referenceTime == nil ? 0 : ProducerReferenceTime.byteCount)
        }

        private static func referenceTime(
            of fragment: Fragment, _ units: UnsafeBufferPointer<AccessUnit>, track: TrackID?
        ) -> ProducerReferenceTime? {
            guard fragment.packaging >= Packaging.firstWithReferenceTime, fragment.isFirstInSegment,
                let reference = fragment.reference, let unit = units.first(where: { $0.track == track })
            else { return nil }
            return ProducerReferenceTime(unit, reference)
        }
    }

    /// `styp` with the brand of media segments, §8.16.2 and ISO/IEC 23009-1 §6.3.4.2.
    private static let segmentType: [UInt8] = {
        var bytes: [UInt8] = []
        bytes.writeBox(.styp) { bytes in
            bytes.append(bigEndian: BoxType("msdh").code)
            bytes.append(bigEndian: UInt32(0))
            for brand in ["msdh", "iso6"] as [BoxType] { bytes.append(bigEndian: brand.code) }
        }
        return bytes
    }()
}

extension Fragment {
    fileprivate func samples(of track: TrackID, _ units: UnsafeBufferPointer<AccessUnit>) -> SampleCursor {
        SampleCursor(units, track: track, end: ends.first { $0.track == track }?.ticks)
    }
}
