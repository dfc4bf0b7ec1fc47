// SPDX-License-Identifier: Apache-2.0

import Bytes

/// What `profile-level-id` says: RFC 6184 §8.1, three bytes of the sequence parameter set.
public struct H264Profile: Hashable, Sendable {
    /// The profiles that clients tell apart, as RFC 6184, table 5, reads them from the first two bytes.
    public enum Family: Int, Hashable, Sendable, Comparable, CaseIterable {
        /// What every decoder of WebRTC takes.
        case constrainedBaseline
        /// With slices in any order, which few decoders take.
        case baseline
        /// B-frames and CABAC.
        case main
        /// High without B-frames and fields.
        case constrainedHigh
        /// 8×8 transforms.
        case high
        /// Anything above.
        case other

        /// Orders by what a decoder must be able to do.
        public static func < (left: Family, right: Family) -> Bool { left.rawValue < right.rawValue }
    }

    /// `profile_idc`.
    public let profile: UInt8
    /// The constraint flags.
    public let constraints: UInt8
    /// `level_idc`, ten times the level.
    public let level: UInt8

    /// A profile of the bytes behind the type of a sequence parameter set.
    public init(profile: UInt8, constraints: UInt8, level: UInt8) {
        self.profile = profile
        self.constraints = constraints
        self.level = level
    }

    /// Reads six hexadecimal digits; nil for anything else.
    public init?(parsing text: some StringProtocol) {
        guard text.utf8.count == 6, let bytes = [UInt8](hex: text) else { return nil }
        self.init(profile: bytes[0], constraints: bytes[1], level: bytes[2])
    }

    /// What a format asks of a decoder; baseline of level 1 where it does not say (RFC 6184 §8.1).
    public init(of format: PayloadFormat) {
        self = format.parameter("profile-level-id").flatMap { H264Profile(parsing: $0) } ?? .unnamed
    }

    /// Its family.
    public var family: Family {
        switch profile {
        case 0x42: constraints & 0x4F == 0x40 ? .constrainedBaseline : .baseline
        case 0x4D: constraints & 0x8F == 0x80 ? .constrainedBaseline : .main
        case 0x58: constraints & 0xC0 == 0xC0 ? .constrainedBaseline : constraints & 0xC0 == 0x80 ? .baseline : .other
        case 0x64: constraints == 0x0C ? .constrainedHigh : .high
        default: .other
        }
    }

    private static let unnamed = H264Profile(profile: 0x42, constraints: 0, level: 10)
}
