// SPDX-License-Identifier: Apache-2.0

/// The name of an object within a store: a path without its first slash.
///
/// Every store can hold it, also one on a disk: no empty, `.` or `..` component, no control character, at most 1024 bytes
/// of UTF-8 (the limit of S3, Google Cloud Storage and Azure).
public struct ObjectKey: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// The key as it is, not escaped.
    public let description: String

    /// Takes a text for a key; nil for one that not every store could hold.
    public init?(parsing text: some StringProtocol) {
        let components = text.split(separator: "/", omittingEmptySubsequences: false)
        guard (1...Self.maximumLength).contains(text.utf8.count),
            components.allSatisfy({ !$0.isEmpty && $0 != "." && $0 != ".." }),
            text.unicodeScalars.allSatisfy({ $0.value >= 0x20 && !(0x7F...0x9F).contains($0.value) })
        else { return nil }
        description = String(text)
    }

    /// Orders by the bytes of UTF-8, as stores list.
    public static func < (left: ObjectKey, right: ObjectKey) -> Bool {
        left.description.utf8.lexicographicallyPrecedes(right.description.utf8)
    }

    /// The longest key, in bytes.
    public static let maximumLength = 1024
}
