// SPDX-License-Identifier: Apache-2.0

public import Bytes

/// One open bitstream unit of AV1, AV1 §5.3.
public struct OpenBitstreamUnit: Hashable, Sendable {
    /// What it holds.
    public let kind: Kind
    /// Header, size and payload.
    public let whole: ByteSlice
    /// The payload alone.
    public let payload: ByteSlice

    /// AV1 §6.2.2.
    public enum Kind: UInt8, Hashable, Sendable {
        case sequenceHeader = 1
        case temporalDelimiter = 2
        case frameHeader = 3
        case tileGroup = 4
        case metadata = 5
        case frame = 6
        case redundantFrameHeader = 7
        case tileList = 8
        case padding = 15
        /// All that the standard keeps for later.
        case reserved = 0
    }
}

/// The open bitstream units of a temporal unit, one after the other, without a copy.
///
/// The last unit may go without a size (AV1-ISOBMFF §2.4). A size that reaches past the end, or a forbidden bit, stops
/// the walk and is told by `isMalformed`.
public struct AV1TemporalUnit: Sequence, IteratorProtocol, Sendable {
    private let bytes: ByteSlice
    private var rest: ByteSlice
    /// Whether the walk ended at a header that can not be true.
    public private(set) var isMalformed = false

    /// A temporal unit in the low-overhead format, AV1 §5.2.
    public init(_ bytes: ByteSlice) {
        self.bytes = bytes
        rest = bytes
    }

    /// The next unit, or nil at the end.
    public mutating func next() -> OpenBitstreamUnit? {
        guard let header = rest.first else { return nil }
        let headerLength = header & 4 == 0 ? 1 : 2
        guard header & 0x80 == 0, rest.count >= headerLength else { return stop() }
        var payload = rest.dropFirst(headerLength)
        if header & 2 != 0 {
            guard let size = Self.leb128(&payload), size <= payload.count else { return stop() }
            payload = payload.prefix(size)
        }
        let whole = rest[rest.startIndex..<payload.endIndex]
        rest = rest[payload.endIndex...]
        return OpenBitstreamUnit(kind: .init(rawValue: header >> 3 & 15) ?? .reserved, whole: whole, payload: payload)
    }

    /// The sequence header unit, where there is one.
    public var sequenceHeader: ByteSlice? { first { $0.kind == .sequenceHeader }?.whole }

    /// Whether a decoder can start here: a sequence header, then a key frame that is shown (AV1-ISOBMFF §2.4).
    public var isRandomAccess: Bool {
        var hasSequenceHeader = false
        for unit in self {
            switch unit.kind {
            case .sequenceHeader: hasSequenceHeader = true
            case .frame, .frameHeader: return hasSequenceHeader && Self.beginsShownKeyFrame(unit.payload)
            default: continue
            }
        }
        return false
    }

    /// The unit as a CMAF sample carries it: without temporal delimiters and padding. Shares the bytes where only the
    /// beginning has to go, which is the rule.
    public var sample: ByteSlice {
        var kept: ByteSlice?
        var copied: [UInt8] = []
        for unit in self where unit.kind != .temporalDelimiter && unit.kind != .padding {
            if copied.isEmpty, kept == nil || kept?.endIndex == unit.whole.startIndex {
                kept = bytes[(kept?.startIndex ?? unit.whole.startIndex)..<unit.whole.endIndex]
            } else {
                if copied.isEmpty { copied += kept ?? [] }
                copied += unit.whole
            }
        }
        return copied.isEmpty ? kept ?? [] : copied[...]
    }

    /// `show_existing_frame` 0, `frame_type` KEY_FRAME, `show_frame` 1: the first four bits of a frame header, AV1
    /// §5.9.2. Still pictures with reduced headers have none of them and are no live video.
    private static func beginsShownKeyFrame(_ payload: ByteSlice) -> Bool {
        payload.first.map { $0 >> 4 == 1 } ?? false
    }

    /// AV1 §4.10.5, up to 32 bits.
    private static func leb128(_ bytes: inout ByteSlice) -> Int? {
        var value = 0
        for index in 0..<8 {
            guard let byte = bytes.popFirst() else { return nil }
            value |= Int(byte & 127) << (index * 7)
            if byte & 128 == 0 { return value <= UInt32.max ? value : nil }
        }
        return nil
    }

    private mutating func stop() -> OpenBitstreamUnit? {
        isMalformed = true
        rest = []
        return nil
    }
}
