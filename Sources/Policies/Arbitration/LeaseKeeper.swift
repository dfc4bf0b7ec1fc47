// SPDX-License-Identifier: Apache-2.0

/// What a gateway does when its leases can not be renewed, the store being silent.
///
/// A store that nobody reaches grants nobody anything: the streams go on. A store that another origin reaches may grant
/// that one a term of ours as soon as the lease is over, so the gateway appends nothing from a margin before that moment
/// on, until it can renew or until nobody reaches the store any more.
///
/// All leases of a node are renewed by one question, so the node has one lease's end for all. A stream that was claimed
/// since has a later one and is fenced with the others: early, never late.
///
/// A report alone fences nobody whose lease is over, as it is after a silence of the store for all: where the store has just
/// come back, all others reach it a moment later. So the node asks anew, and only where a question fails that was asked
/// some time after the first report, it is the node that is cut off. Nor does a report from before the first failure
/// say anything: the store that answered the others then may have died for all since.
public struct LeaseKeeper: Sendable {
    /// What the shell is to do.
    public enum Directive: Hashable, Sendable {
        /// Ask the store now, whatever failed before; it is said to be there.
        case ask
        /// Append nothing, to no stream.
        case fence
        /// Append again.
        case unfence
    }

    /// Whether nothing may be appended.
    public private(set) var isFenced = false
    private let settings: LeaseSettings
    /// When the last question that was answered was asked.
    private var renewedAt: Duration
    /// When the first and the last question were asked that were not answered since.
    private var failures: (first: Duration, last: Duration)?
    /// Since when, without a pause, other origins say that they reach the store, and when one last said so.
    private var reports: (since: Duration, last: Duration)?

    /// A keeper of no leases yet.
    public init(settings: LeaseSettings = LeaseSettings(), now: Duration) {
        self.settings = settings
        renewedAt = now
    }

    /// All leases were renewed by a question that was asked at `begin`.
    public mutating func renewed(askedAt begin: Duration, now: Duration) -> [Directive] {
        renewedAt = max(renewedAt, begin)
        failures = nil
        return review(now: now)
    }

    /// A question that was asked at `begin` was not answered.
    public mutating func failed(askedAt begin: Duration, now: Duration) -> [Directive] {
        failures = (min(failures?.first ?? begin, begin), begin)
        return review(now: now)
    }

    /// Another origin says that the store answered it within the last second.
    public mutating func heard(now: Duration) -> [Directive] {
        forget(now: now)
        let isNews = reports == nil
        reports = (reports?.since ?? now, now)
        return (isNews && failures != nil ? [.ask] : []) + review(now: now)
    }

    /// Does what is due.
    public mutating func tick(now: Duration) -> [Directive] { review(now: now) }

    /// When `tick` is due.
    public var nextDeadline: Duration? {
        guard let reports, isAloneInFailing else { return nil }
        let silence = reports.last + settings.reportLife
        if isFenced { return silence }
        return fenceTime < silence ? fenceTime : nil
    }

    private var fenceTime: Duration { renewedAt + settings.leaseLife - settings.margin }

    private mutating func review(now: Duration) -> [Directive] {
        forget(now: now)
        let mustFence = now >= fenceTime && isAloneInFailing
        guard mustFence != isFenced else { return [] }
        isFenced = mustFence
        return [mustFence ? .fence : .unfence]
    }

    /// What others said does not count for ever.
    private mutating func forget(now: Duration) {
        if let last = reports?.last, now >= last + settings.reportLife { reports = nil }
    }

    /// Whether a question failed that others had answered for a while, and still did after the first one that failed.
    private var isAloneInFailing: Bool {
        guard let reports, let failures else { return false }
        return failures.last >= reports.since + settings.patience
            && reports.last >= failures.first + settings.delay
    }
}

/// The times of leases.
public struct LeaseSettings: Hashable, Sendable {
    /// How long a lease lasts from the moment at which it was asked for.
    public var leaseLife: Duration = .seconds(3)
    /// How long before its end nothing more is appended: for what is under way, and for clocks that run unevenly.
    public var margin: Duration = .milliseconds(500)
    /// How long the store must have been answering others before a question that it does not answer counts: a failover is
    /// not known everywhere at once.
    public var patience: Duration = .seconds(1)
    /// How old what another origin says may be when it comes: the answer's way to it, and the word's way here.
    public var delay: Duration = .milliseconds(250)
    /// How long another origin's word counts.
    public var reportLife: Duration = .seconds(2)

    /// The defaults.
    public init() {}
}
