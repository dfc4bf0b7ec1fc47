// SPDX-License-Identifier: Apache-2.0

public import Cluster
public import Identity

/// The newest summary of every other region, as long as its ambassadors are heard.
public struct RegionTable: Sendable {
    private struct Row: Sendable {
        var summary: RegionSummary
        var heard: Duration
        /// What this node last told its own region, and when.
        var told: RegionSummary?
        var toldAt: Duration = .zero
    }

    private let own: Region
    private var rows: [Region: Row] = [:]

    /// An empty table of a node in `own`.
    public init(own: Region) { self.own = own }

    /// All summaries.
    public var summaries: [Region: RegionSummary] { rows.mapValues(\.summary) }

    /// When `expire` is due.
    public var nextDeadline: Duration { rows.values.reduce(.never) { min($0, $1.heard + Self.memory) } }

    /// Takes a summary of another region that is newer than the known one; whether it was.
    public mutating func merge(_ summary: RegionSummary, now: Duration) -> Bool {
        guard summary.region != own else { return false }
        if let known = rows[summary.region], known.summary.time >= summary.time { return false }
        guard rows[summary.region] != nil || rows.count < Self.limit else { return false }
        rows[summary.region, default: Row(summary: summary, heard: now)].summary = summary
        rows[summary.region]?.heard = now
        return true
    }

    /// Whether the region is to hear of a summary: when it says something new, else once in 20 s so that it stays known.
    /// A rumour to all every two seconds for every other region would cost more than all the rest of gossip.
    mutating func isWorthTelling(_ summary: RegionSummary, now: Duration) -> Bool {
        guard let row = rows[summary.region] else { return false }
        if let told = row.told, row.toldAt + Self.retelling > now, told.saysTheSame(as: summary) { return false }
        rows[summary.region]?.told = summary
        rows[summary.region]?.toldAt = now
        return true
    }

    /// Forgets regions of which nothing was heard for long.
    public mutating func expire(now: Duration) -> Bool {
        let before = rows.count
        rows = rows.filter { $1.heard + Self.memory > now }
        return rows.count < before
    }

    var sorted: [RegionSummary] { rows.values.map(\.summary).sorted { $0.region < $1.region } }

    private static let memory: Duration = .seconds(60)
    private static let retelling: Duration = .seconds(20)
    /// More regions than this are a mistake or a lie.
    private static let limit = 256
}

extension RegionSummary {
    /// Whether it differs from `other` in nothing that a router or a gateway would act on: who speaks, when, and small
    /// changes of load do not count.
    func saysTheSame(as other: RegionSummary) -> Bool {
        routers == other.routers && doors == other.doors && capacity == other.capacity && packaging == other.packaging
            && (load > other.load ? load - other.load : other.load - load) < 50
    }
}
