// SPDX-License-Identifier: Apache-2.0

public import Identity

/// Notices holders of a feed that owe acknowledgements. Of a machine that is gone no connection tells anything, and what
/// waits for a standby there is listed nowhere.
///
/// A holder owes from the first record on that is appended when it has all before, or from its last acknowledgement where
/// that was not of all. So time in which nothing is appended counts against nobody.
public struct HolderWatch: Sendable {
    private var holders: [Holder] = []
    /// Since when, or since the last question about it, a holder is missed.
    private var missedSince: Duration?

    private struct Holder {
        let id: NodeID
        /// All records before this one are held.
        var heldBefore: UInt64
        /// Since when it owes, and has acknowledged nothing more; nil while it has all.
        var owesSince: Duration?
        /// When it last answered a question.
        var answeredAt: Duration?

        func owes(for limit: Duration, now: Duration) -> Bool { owesSince.map { now - $0 >= limit } ?? false }

        /// Whether nothing was heard of it since `time`, though it owed then.
        func isSilent(since time: Duration) -> Bool {
            owesSince.map { max($0, answeredAt ?? $0) <= time } ?? false
        }
    }

    /// Nobody but the gateway holds the feed.
    public init() {}

    /// The gateway has appended all records before `end`.
    public mutating func appended(before end: UInt64, now: Duration) {
        for index in holders.indices where holders[index].owesSince == nil && holders[index].heldBefore < end {
            holders[index].owesSince = now
        }
    }

    /// A holder joins with all records before `number`, when all before `end` are appended.
    public mutating func add(_ holder: NodeID, holdingBefore number: UInt64, end: UInt64, now: Duration) {
        remove(holder)
        holders.append(Holder(id: holder, heldBefore: number, owesSince: number < end ? now : nil))
    }

    /// A holder is waited for no longer.
    public mutating func remove(_ holder: NodeID) { holders.removeAll { $0.id == holder } }

    /// A holder has all records before `number`, when all before `end` are appended.
    public mutating func acknowledged(before number: UInt64, of end: UInt64, by holder: NodeID, now: Duration) {
        guard let index = holders.firstIndex(where: { $0.id == holder }), number > holders[index].heldBefore else {
            return
        }
        holders[index].heldBefore = number
        holders[index].owesSince = number < end ? now : nil
    }

    /// A holder has answered a question, so its process runs.
    public mutating func answered(_ holder: NodeID, now: Duration) {
        guard let index = holders.firstIndex(where: { $0.id == holder }) else { return }
        holders[index].answeredAt = now
    }

    /// Those who are to be asked whether they live: nothing was heard of them for ``silenceLimit`` though they owe, or they
    /// answer and have acknowledged nothing for ``debtLimit``.
    public func questionable(now: Duration) -> Set<NodeID> {
        Set(
            holders.filter { $0.isSilent(since: now - Self.silenceLimit) || $0.owes(for: Self.debtLimit, now: now) }
                .map(\.id))
    }

    /// Of those, the ones that nobody should wait for after a question that was asked at `asked`: they have given no sign of
    /// life since, or owe for too long whatever they say.
    public func lost(askedAt asked: Duration, now: Duration) -> Set<NodeID> {
        Set(
            holders.filter { $0.isSilent(since: asked) || $0.owes(for: Self.debtLimit, now: now) }
                .map(\.id))
    }

    /// Whether it is to be asked why nobody holds the feed though a standby is named: that may keep a promise to somebody who
    /// never began a term. True once in every ``joinLimit``.
    public mutating func isMissing(_ standby: NodeID?, now: Duration) -> Bool {
        guard standby != nil, holders.isEmpty, let since = missedSince else {
            missedSince = standby != nil && holders.isEmpty ? now : nil
            return false
        }
        guard now - since >= Self.joinLimit else { return false }
        missedSince = now
        return true
    }

    /// Longer than a window takes to copy from one machine to another in a region.
    public static let joinLimit: Duration = .seconds(3)
    /// Two heartbeats of the relay. Acknowledgements come with every picture, so a process that runs is late by less, and
    /// one that stood still answers when it goes on.
    public static let silenceLimit: Duration = .milliseconds(400)
    /// What a viewer who is three parts behind can wait.
    public static let debtLimit: Duration = .milliseconds(1500)
}
