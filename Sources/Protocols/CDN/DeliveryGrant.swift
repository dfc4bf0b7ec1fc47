// SPDX-License-Identifier: Apache-2.0

public import Media

/// What a viewer may fetch of a CDN: all below one path, for a while. It is about a path and not about one URL, so that
/// playlists, which name segments by relative URLs, are the same for all viewers.
public struct DeliveryGrant: Hashable, Sendable {
    /// Scheme, host and port, without a slash behind it: `https://d111111abcdef8.cloudfront.net`.
    public let base: String
    /// Escaped, from the first slash to the last: `/live/news/`.
    public let path: String
    /// When it ends, to the second.
    public let expires: WallTime
    /// When it begins; nil for at once.
    public let starts: WallTime?

    /// A grant; nil for a path that does not begin and end with a slash, steps upwards, or holds a character that some CDN
    /// takes for a wildcard or for the end of a field: such a path would grant more than it says.
    public init?(base: String, path: String, expires: WallTime, starts: WallTime? = nil) {
        let components = path.split(separator: "/", omittingEmptySubsequences: false)
        guard base.contains("://"), base.utf8.allSatisfy({ Self.isPlain($0) || Self.inBase.contains($0) }),
            components.count >= 3, components.first == "", components.last == "",
            components.dropFirst().dropLast().allSatisfy({ !$0.isEmpty && $0 != "." && $0 != ".." }),
            path.utf8.allSatisfy({ Self.isPlain($0) || $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "%") }),
            starts.map({ $0 < expires }) ?? true
        else { return nil }
        self.base = base
        self.path = path
        self.expires = expires
        self.starts = starts
    }

    /// A URL below the path.
    public func url(_ name: String) -> String { base + path + name }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"):
            true
        default: false
        }
    }

    private static let inBase = Set(":/[]".utf8)
}
