// SPDX-License-Identifier: Apache-2.0

import Bytes
public import Media

/// What a `moof` says of its samples: the reading half of `FragmentWriter`, for players and for tests.
public struct MovieFragment: Hashable, Sendable {
    /// `mfhd` sequence number.
    public private(set) var sequenceNumber: UInt32 = 0
    /// The tracks in it.
    public private(set) var tracks: [TrackFragment] = []

    /// The samples of one track.
    public struct TrackFragment: Hashable, Sendable {
        /// `track_ID`, as far as it is one of ours.
        public internal(set) var track = TrackID(0)
        /// Decode time of the first sample.
        public internal(set) var decodeTime: UInt64 = 0
        /// Where the samples' bytes begin, counted from the first byte of `moof`.
        public internal(set) var dataOffset: Int32 = 0
        /// The samples.
        public internal(set) var samples: [Sample] = []

        /// Ticks of all samples.
        public var duration: UInt64 { samples.reduce(0) { $0 &+ UInt64($1.duration) } }
        /// Bytes of all samples.
        public var size: Int { samples.reduce(0) { $0 + Int($1.size) } }
    }

    /// Reads a `moof` box of which each track has at most one `trun`, the form that low-latency packagers write.
    ///
    /// What neither `trun` nor `tfhd` says is 0; defaults of an init section are not looked up.
    public init(_ box: Box) throws(CMAFFailure) {
        guard box.type == .moof else { throw .missing(.moof) }
        var boxes = box.children
        while let box = boxes.next() {
            if box.type == .mfhd { sequenceNumber = try Self.sequenceNumber(box) }
            if box.type == .traf { tracks.append(try TrackFragment(box)) }
        }
        if boxes.isMalformed { throw .malformed(.moof) }
    }

    private static func sequenceNumber(_ box: Box) throws(CMAFFailure) -> UInt32 {
        var reader = ByteReader(box.payload.dropFirst(4))
        do { return try reader.uint32() } catch { throw .malformed(.mfhd) }
    }
}

/// Why bytes are not a fragment.
public enum CMAFFailure: Error, Hashable, Sendable {
    /// A box that is cut short or has more rows than bytes.
    case malformed(BoxType)
    /// A box that must be there.
    case missing(BoxType)
}

extension MovieFragment.TrackFragment {
    fileprivate init(_ box: Box) throws(CMAFFailure) {
        var header: TrackHeader?
        var boxes = box.children
        while let box = boxes.next() {
            switch box.type {
            case .tfhd: header = try Self.read(box) { reader throws(Truncated) in try TrackHeader(&reader) }
            case .tfdt: decodeTime = try Self.read(box) { reader throws(Truncated) in try Self.decodeTime(&reader) }
            case .trun:
                guard let header else { throw .missing(.tfhd) }
                guard samples.isEmpty else { throw .malformed(.trun) }
                (dataOffset, samples) = try Self.read(box) { reader throws(Truncated) in
                    try Self.table(&reader, header)
                }
            default: continue
            }
        }
        if boxes.isMalformed { throw .malformed(.traf) }
        guard let header else { throw .missing(.tfhd) }
        track = TrackID(UInt8(truncatingIfNeeded: header.track))
    }

    private static func read<Value>(
        _ box: Box, _ body: (inout ByteReader) throws(Truncated) -> Value
    ) throws(CMAFFailure) -> Value {
        var reader = ByteReader(box.payload)
        do { return try body(&reader) } catch { throw .malformed(box.type) }
    }

    /// §8.8.12
    private static func decodeTime(_ reader: inout ByteReader) throws(Truncated) -> UInt64 {
        try reader.uint32() >> 24 == 0 ? UInt64(try reader.uint32()) : try reader.uint64()
    }

    /// §8.8.8. Rows are counted against the bytes before room is made for them.
    private static func table(
        _ reader: inout ByteReader, _ header: TrackHeader
    ) throws(Truncated) -> (Int32, [Sample]) {
        let flags = try reader.uint32()
        let count = Int(try reader.uint32())
        let dataOffset = flags & 0x1 == 0 ? 0 : Int32(bitPattern: try reader.uint32())
        let firstFlags = flags & 0x4 == 0 ? nil : try reader.uint32()
        let rowSize = (flags >> 8 & 15).nonzeroBitCount * 4
        guard rowSize == 0 ? count <= 1 : count <= reader.count / rowSize else { throw Truncated() }
        var samples: [Sample] = []
        samples.reserveCapacity(count)
        for index in 0..<count {
            var sample = header.defaults
            if flags & 0x100 != 0 { sample.duration = try reader.uint32() }
            if flags & 0x200 != 0 { sample.size = try reader.uint32() }
            if let firstFlags, index == 0 { sample.flags = firstFlags }
            if flags & 0x400 != 0 { sample.flags = try reader.uint32() }
            if flags & 0x800 != 0 { sample.compositionOffset = Int32(bitPattern: try reader.uint32()) }
            samples.append(sample)
        }
        return (dataOffset, samples)
    }
}

/// §8.8.7
private struct TrackHeader {
    let track: UInt32
    var defaults = Sample(duration: 0, size: 0, flags: 0, compositionOffset: 0)

    init(_ reader: inout ByteReader) throws(Truncated) {
        let flags = try reader.uint32()
        track = try reader.uint32()
        _ = try reader.bytes((flags & 0x1 == 0 ? 0 : 8) + (flags & 0x2 == 0 ? 0 : 4))
        if flags & 0x08 != 0 { defaults.duration = try reader.uint32() }
        if flags & 0x10 != 0 { defaults.size = try reader.uint32() }
        if flags & 0x20 != 0 { defaults.flags = try reader.uint32() }
    }
}
