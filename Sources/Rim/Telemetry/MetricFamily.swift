// SPDX-License-Identifier: Apache-2.0

/// What one metric means, declared as data: its name, kind, help, unit and labels.
///
/// Each module that measures has a `static let families: [MetricFamily]`; the node joins them into one
/// ``MetricRegistry``. A family names its labels and says how many values each may take, so that the number of series
/// is bounded before the first event. A stream key, a token or an address is never a label.
public struct MetricFamily: Sendable, Hashable {
    /// The name on the wire, `millrace_` and snake case; a counter ends in `_total`, a unit is part of the name.
    public let name: String
    /// How the values behave.
    public let kind: MetricKind
    /// One sentence for the person who reads the dashboard.
    public let help: String
    /// What one is of.
    public let unit: MetricUnit
    /// The labels, in the order in which a handle's values are given.
    public let labels: [MetricLabel]

    /// Declares a family; a name that breaks the rules above is our own mistake and stops the process.
    public init(
        _ name: String, _ kind: MetricKind, unit: MetricUnit = .count, labels: [MetricLabel] = [], help: String
    ) {
        if let fault = Self.fault(in: name, kind, unit: unit, labels: labels) { preconditionFailure(fault) }
        self.name = name
        self.kind = kind
        self.unit = unit
        self.labels = labels
        self.help = help
    }

    /// The most series that the family can have: the product of its labels' bounds.
    public var maximumSeries: Int { labels.reduce(1) { $0 * $1.maximumValues } }

    /// Which of the rules above a declaration breaks; nil where none.
    package static func fault(in name: String, _ kind: MetricKind, unit: MetricUnit, labels: [MetricLabel]) -> String? {
        let stem = kind == .counter ? String(name.dropLast("_total".count)) : name
        guard name.hasPrefix("millrace_"), isName(name) else { return "bad metric name \(name)" }
        guard (kind == .counter) == name.hasSuffix("_total") else {
            return "only and all counters end in _total: \(name)"
        }
        guard stem.hasSuffix(unit.suffix) else { return "\(name) must say its unit \(unit.suffix)" }
        guard labels.allSatisfy({ isName($0.name) && $0.name != "le" }) else { return "bad label name in \(name)" }
        guard Set(labels.map(\.name)).count == labels.count else { return "a label twice in \(name)" }
        return nil
    }

    private static func isName(_ text: String) -> Bool {
        let first = text.utf8.first.map { !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } ?? false
        return first
            && text.utf8.allSatisfy {
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || $0 == UInt8(ascii: "_")
            }
    }
}

/// How the values of a family behave.
public enum MetricKind: Sendable, Hashable {
    /// Only grows while the process lives.
    case counter
    /// Goes up and down.
    case gauge
    /// Counts observations below each bound; the bounds are upper and inclusive, `+Inf` is added.
    case histogram(MetricBuckets)
}

/// What a family counts. Handles of a family in seconds take a `Duration` and keep whole nanoseconds.
public enum MetricUnit: Sendable, Hashable {
    /// Things.
    case count
    /// Bytes.
    case bytes
    /// Seconds.
    case seconds

    /// What the name of a family of this unit ends in, before `_total`.
    var suffix: String {
        switch self {
        case .count: ""
        case .bytes: "_bytes"
        case .seconds: "_seconds"
        }
    }

    /// How many of a handle's own units make one on the wire.
    var scale: Int { self == .seconds ? 1_000_000_000 : 1 }
}

/// A label of a family, with the bound of its values.
public struct MetricLabel: Sendable, Hashable {
    /// The name on the wire.
    public let name: String
    /// The closed set of values, nil for an open label.
    public let values: [String]?
    /// How many values it may have at once, the overflow value of an open label included.
    public let maximumValues: Int

    /// A label of a closed set of values.
    public static func oneOf(_ name: String, _ values: [String]) -> MetricLabel {
        MetricLabel(name: name, values: values, maximumValues: values.count)
    }

    /// A label whose values come and go, `limit` at a time; what comes beyond is counted as ``overflow``.
    public static func open(_ name: String, limit: Int) -> MetricLabel {
        MetricLabel(name: name, values: nil, maximumValues: limit + 1)
    }

    /// The value under which an open label counts all for which it has no room.
    public static let overflow = "~other"
}

/// The upper bounds of a histogram, ascending.
public struct MetricBuckets: Sendable, Hashable {
    /// The bounds, in nanoseconds for durations.
    let bounds: [Int]

    /// Bounds of a family in seconds.
    public static func durations(_ bounds: [Duration]) -> MetricBuckets {
        MetricBuckets(bounds: bounds.map(\.wholeNanoseconds))
    }

    /// Bounds of a family of things or bytes.
    public static func counts(_ bounds: [Int]) -> MetricBuckets { MetricBuckets(bounds: bounds) }

    private init(bounds: [Int]) {
        precondition(!bounds.isEmpty && zip(bounds, bounds.dropFirst()).allSatisfy(<), "bounds must ascend: \(bounds)")
        self.bounds = bounds
    }
}

extension Duration {
    /// Whole nanoseconds, held at the ends of `Int`.
    var wholeNanoseconds: Int {
        let (seconds, attoseconds) = components
        let (scaled, overflow) = Int(seconds).multipliedReportingOverflow(by: 1_000_000_000)
        guard !overflow else { return seconds < 0 ? .min : .max }
        let (sum, carried) = scaled.addingReportingOverflow(Int(attoseconds / 1_000_000_000))
        return carried ? (seconds < 0 ? .min : .max) : sum
    }
}
