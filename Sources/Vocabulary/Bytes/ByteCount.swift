// SPDX-License-Identifier: Apache-2.0

/// A size in bytes, so that a bare integer never says which unit it is in.
public struct ByteCount: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The size in bytes.
    public let bytes: Int

    /// A size of `bytes`.
    public static func bytes(_ bytes: Int) -> ByteCount { ByteCount(bytes: bytes) }

    /// A size of `count` × 1024 bytes.
    public static func kibibytes(_ count: Int) -> ByteCount { ByteCount(bytes: count * 1024) }

    /// A size of `count` × 1 048 576 bytes.
    public static func mebibytes(_ count: Int) -> ByteCount { ByteCount(bytes: count * 1024 * 1024) }

    /// Orders by size.
    public static func < (left: ByteCount, right: ByteCount) -> Bool { left.bytes < right.bytes }

    /// The size in the largest unit that divides it.
    public var description: String {
        if bytes.isMultiple(of: 1024 * 1024), bytes != 0 { return "\(bytes / 1024 / 1024)MiB" }
        if bytes.isMultiple(of: 1024), bytes != 0 { return "\(bytes / 1024)KiB" }
        return "\(bytes)B"
    }
}

extension ByteCount {
    /// Parses `123`, `64KiB`, `8MiB`, `1GiB`; nil for anything else.
    public init?(parsing text: String) {
        let units = ["KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "B": 1]
        for (suffix, factor) in units where text.hasSuffix(suffix) {
            guard suffix != "B" || !text.hasSuffix("iB") else { continue }
            guard let count = Int(text.dropLast(suffix.count)), count >= 0 else { return nil }
            let product = count.multipliedReportingOverflow(by: factor)
            guard !product.overflow else { return nil }
            self.init(bytes: product.partialValue)
            return
        }
        guard let count = Int(text), count >= 0 else { return nil }
        self.init(bytes: count)
    }
}
