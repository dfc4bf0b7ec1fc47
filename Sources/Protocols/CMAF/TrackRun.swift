// SPDX-License-Identifier: Apache-2.0

import Bytes
import Media

/// How one track of a fragment is written: which columns its table needs, found in one walk over its samples.
///
/// What all samples share goes into `tfhd` once instead of into every row: a part of steady audio has 4 bytes a
/// sample, one of steady video 8.
struct TrackRun {
    let track: TrackID
    /// Decode time of the first sample, never negative.
    let decodeTime: UInt64
    private(set) var sampleCount: UInt32 = 0
    /// Bytes of all samples.
    private(set) var payloadSize = 0
    /// The duration of all samples, unless they differ.
    private var duration: UInt32?
    /// The flags of the first sample.
    private var firstFlags: UInt32 = 0
    /// The flags of all samples but the first, unless they differ.
    private var laterFlags: UInt32?
    private var hasOffsets = false

    /// Walks over the samples; nil where there are none.
    init?(_ samples: SampleCursor, track: TrackID) {
        var samples = samples
        guard let start = samples.decodeTime, let first = samples.next() else { return nil }
        self.track = track
        decodeTime = UInt64(clamping: start)
        duration = first.duration
        firstFlags = first.flags
        count(first)
        var second: UInt32?
        var isUniform = true
        while let sample = samples.next() {
            if sample.duration != duration { duration = nil }
            if let second { isUniform = isUniform && sample.flags == second } else { second = sample.flags }
            count(sample)
        }
        laterFlags = isUniform ? second ?? first.flags : nil
    }

    private mutating func count(_ sample: Sample) {
        sampleCount &+= 1
        payloadSize += Int(sample.size)
        if sample.compositionOffset != 0 { hasOffsets = true }
    }

    /// Whether the first sample's flags stand apart from those that the others share.
    private var hasFirstFlags: Bool { laterFlags.map { $0 != firstFlags } ?? false }

    /// Bytes of one row.
    private var rowSize: Int { 4 + (duration == nil ? 4 : 0) + (laterFlags == nil ? 4 : 0) + (hasOffsets ? 4 : 0) }

    /// Bytes of the `traf` box.
    var byteCount: Int {
        let header = 16 + (duration == nil ? 0 : 4) + (laterFlags == nil ? 0 : 4)
        let table = 20 + (hasFirstFlags ? 4 : 0) + Int(sampleCount) * rowSize
        return 8 + header + 20 + table
    }

    /// Appends the `traf` box. `samples` are those that the run was made of; `dataOffset` is where their bytes begin,
    /// counted from the first byte of `moof`.
    func write(to bytes: inout [UInt8], _ samples: SampleCursor, dataOffset: Int) {
        bytes.writeBox(.traf) { bytes in
            writeHeader(to: &bytes)
            bytes.writeFullBox(.tfdt, version: 1) { $0.append(bigEndian: decodeTime) }
            bytes.writeFullBox(.trun, version: 1, flags: tableFlags) { bytes in
                bytes.append(bigEndian: sampleCount)
                bytes.append(bigEndian: Int32(truncatingIfNeeded: dataOffset))
                if hasFirstFlags { bytes.append(bigEndian: firstFlags) }
                writeRows(to: &bytes, samples)
            }
        }
    }

    /// ISO/IEC 14496-12 §8.8.7: offsets count from `moof`, and what rows leave out stands here.
    private func writeHeader(to bytes: inout [UInt8]) {
        let flags: UInt32 = 0x02_0000 | (duration == nil ? 0 : 0x08) | (laterFlags == nil ? 0 : 0x20)
        bytes.writeFullBox(.tfhd, flags: flags) { bytes in
            bytes.append(bigEndian: UInt32(track.number))
            if let duration { bytes.append(bigEndian: duration) }
            if let laterFlags { bytes.append(bigEndian: laterFlags) }
        }
    }

    /// §8.8.8: data offset and sizes always.
    private var tableFlags: UInt32 {
        0x201 | (hasFirstFlags ? 0x004 : 0) | (duration == nil ? 0x100 : 0) | (laterFlags == nil ? 0x400 : 0)
            | (hasOffsets ? 0x800 : 0)
    }

    private func writeRows(to bytes: inout [UInt8], _ samples: SampleCursor) {
        var samples = samples
        while let sample = samples.next() {
            if duration == nil { bytes.append(bigEndian: sample.duration) }
            bytes.append(bigEndian: sample.size)
            if laterFlags == nil { bytes.append(bigEndian: sample.flags) }
            if hasOffsets { bytes.append(bigEndian: sample.compositionOffset) }
        }
    }
}
