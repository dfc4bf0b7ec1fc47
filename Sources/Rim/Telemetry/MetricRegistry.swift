// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// All metrics of a process: the declared families and the series that exist.
///
/// A handle is asked for once, when its owner is made, and then used without coming back here. To ask twice for the
/// same labels gives the same handle. An open label that is full gives the family's overflow series, so a flood of
/// names can not grow memory. Asking for a family that was not declared is our own mistake and stops the process.
public final class MetricRegistry: Sendable {
    /// The declared families, in the order in which they are rendered.
    public let families: [MetricFamily]
    private let tables: Mutex<[String: SeriesTable]>

    /// A registry of these families; two of one name stop the process.
    public init(families: [MetricFamily]) {
        self.families = families
        tables = Mutex(
            Dictionary(families.map { ($0.name, SeriesTable(family: $0)) }) { first, _ in
                preconditionFailure("family declared twice: \(first.family.name)")
            }
        )
    }

    /// The counter of `family` with these label values.
    public func counter(_ family: MetricFamily, _ labels: String...) -> Counter {
        guard case .counter(let handle) = series(family, labels) else {
            preconditionFailure("not a counter: \(family)")
        }
        return handle
    }

    /// The gauge of `family` with these label values.
    public func gauge(_ family: MetricFamily, _ labels: String...) -> Gauge {
        guard case .gauge(let handle) = series(family, labels) else { preconditionFailure("not a gauge: \(family)") }
        return handle
    }

    /// The histogram of `family` with these label values.
    public func histogram(_ family: MetricFamily, _ labels: String...) -> Histogram {
        guard case .histogram(let handle) = series(family, labels) else {
            preconditionFailure("not a histogram: \(family)")
        }
        return handle
    }

    /// Forgets the series whose first label values are these, `remove(family, "live/room")` when a stream ends; a
    /// handle that somebody still holds goes on counting and is no longer rendered.
    public func remove(_ family: MetricFamily, _ labels: String...) {
        tables.withLock { $0[family.name]?.remove(beginning: labels) }
    }

    /// The families that have no series, or only such that stand at zero: what a test of movement must find empty.
    public var unmoved: [MetricFamily] {
        tables.withLock { tables in families.filter { tables[$0.name]?.series.values.allSatisfy { !$0.moved } ?? true }
        }
    }

    /// A copy of what exists, sorted by label values, for the renderer.
    func snapshot() -> [(family: MetricFamily, series: [(labels: [String], series: Series)])] {
        let tables = tables.withLock { $0 }
        return families.map { family in
            let series = tables[family.name]?.series ?? [:]
            return (family, series.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map { ($0.key, $0.value) })
        }
    }

    private func series(_ family: MetricFamily, _ labels: [String]) -> Series {
        tables.withLock { tables in
            guard let series = tables[family.name]?.handle(labels) else {
                preconditionFailure("family was not declared: \(family.name)")
            }
            return series
        }
    }
}

/// One handle, of one of the three kinds.
enum Series {
    case counter(Counter)
    case gauge(Gauge)
    case histogram(Histogram)

    var moved: Bool {
        switch self {
        case .counter(let handle): handle.value != 0
        case .gauge(let handle): handle.value != 0
        case .histogram(let handle): handle.count != 0
        }
    }
}

/// The series of one family by their label values.
private struct SeriesTable {
    let family: MetricFamily
    var series: [[String]: Series] = [:]

    mutating func handle(_ labels: [String]) -> Series {
        check(labels)
        if let known = series[labels] { return known }
        let bounded = withinBounds(labels)
        if let known = series[bounded] { return known }
        let fresh: Series =
            switch family.kind {
            case .counter: .counter(Counter())
            case .gauge: .gauge(Gauge())
            case .histogram(let buckets): .histogram(Histogram(buckets))
            }
        series[bounded] = fresh
        return fresh
    }

    mutating func remove(beginning labels: [String]) {
        series = series.filter { !$0.key.starts(with: labels) }
    }

    private func check(_ labels: [String]) {
        precondition(labels.count == family.labels.count, "\(family.name) has \(family.labels.count) labels: \(labels)")
        for (label, value) in zip(family.labels, labels) {
            precondition(label.values?.contains(value) ?? true, "\(family.name) has no \(label.name)=\(value)")
        }
    }

    /// The labels, each open one that is full replaced by the overflow value.
    private func withinBounds(_ labels: [String]) -> [String] {
        labels.indices.map { index in
            guard family.labels[index].values == nil else { return labels[index] }
            let known = Set(series.keys.map { $0[index] }).subtracting([MetricLabel.overflow])
            let hasRoom = known.count < family.labels[index].maximumValues - 1
            return hasRoom || known.contains(labels[index]) ? labels[index] : MetricLabel.overflow
        }
    }
}
