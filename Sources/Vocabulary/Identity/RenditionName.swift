// SPDX-License-Identifier: Apache-2.0

/// The name of one rendition of a stream, a single path component of 1 to 32 letters, digits, `-` and `_`.
public struct RenditionName: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The name as it stands in paths.
    public let description: String

    /// The one rendition of a stream that has no others.
    public static let main = RenditionName(known: "main")

    /// Parses a path component; nil where it is not a name.
    public init?(parsing text: some StringProtocol) {
        guard (1...32).contains(text.utf8.count) else { return nil }
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                continue
            default: return nil
            }
        }
        description = String(text)
    }

    private init(known: String) { description = known }

    /// Orders by text.
    public static func < (left: RenditionName, right: RenditionName) -> Bool { left.description < right.description }
}
