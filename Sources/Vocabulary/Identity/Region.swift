// SPDX-License-Identifier: Apache-2.0

/// A part of the world whose nodes are near one another, such as `eu-west`: 1 to 32 lower-case letters, digits, `-` and
/// `_`, a letter or digit first.
public struct Region: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The name as it stands in settings, packets and logs.
    public let description: String

    /// The region of a node that was told none.
    public static let local = Region(known: "local")

    /// Parses a name; nil where it is not one.
    public init?(parsing text: some StringProtocol) {
        guard PlainName.isValid(text, longest: PlainName.shortLimit, allowsDots: false) else { return nil }
        description = String(text)
    }

    private init(known: String) { description = known }

    /// Orders by text.
    public static func < (left: Region, right: Region) -> Bool { left.description < right.description }
}

/// A part of a region that may fail by itself, such as a data centre or a rack; names are as a region's.
public struct Zone: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The name as it stands in settings, packets and logs.
    public let description: String

    /// The zone of a node that was told none.
    public static let local = Zone(known: "local")

    /// Parses a name; nil where it is not one.
    public init?(parsing text: some StringProtocol) {
        guard PlainName.isValid(text, longest: PlainName.shortLimit, allowsDots: false) else { return nil }
        description = String(text)
    }

    private init(known: String) { description = known }

    /// Orders by text.
    public static func < (left: Zone, right: Zone) -> Bool { left.description < right.description }
}

/// What names of nodes, regions and zones have in common.
enum PlainName {
    static let shortLimit = 32

    static func isValid(_ text: some StringProtocol, longest: Int, allowsDots: Bool) -> Bool {
        guard (1...longest).contains(text.utf8.count), let first = text.utf8.first, isLetterOrDigit(first) else {
            return false
        }
        return text.utf8.allSatisfy { byte in
            isLetterOrDigit(byte) || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
                || allowsDots && byte == UInt8(ascii: ".")
        }
    }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
}
