// SPDX-License-Identifier: Apache-2.0

extension Duration {
    /// Parses a whole number with its unit, `500ms`, `2s`, `10m` or `24h`; nil for anything else.
    public init?(settingText text: String) {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard
            let factor = Self.units.first(where: { $0.name == text.dropFirst(digits.count) })?.milliseconds,
            let count = Int64(digits)
        else { return nil }
        let product = count.multipliedReportingOverflow(by: factor)
        guard !product.overflow else { return nil }
        self = .milliseconds(product.partialValue)
    }

    /// The duration in the largest unit that divides it, to the millisecond.
    public var settingText: String {
        let (seconds, attoseconds) = components
        let milliseconds = seconds * 1000 + attoseconds / 1_000_000_000_000_000
        let unit = Self.units.last { milliseconds.isMultiple(of: $0.milliseconds) && milliseconds != 0 }
        return unit.map { "\(milliseconds / $0.milliseconds)\($0.name)" } ?? "0s"
    }

    private static var units: [(name: String, milliseconds: Int64)] {
        [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000)]
    }
}
