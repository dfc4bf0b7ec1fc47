// SPDX-License-Identifier: Apache-2.0

import Feed
import Identity

/// What records, commits and heartbeats do.
extension RelaySubscriberSession {
    /// A parent says where its records begin. Only the active one's word counts: what a paused one says is overtaken
    /// when it is used.
    mutating func accept(_ start: FeedStart, _ path: RelayPath, now: Duration, _ directives: inout [Directive]) {
        serve(path, term: start.position.term, now: now)
        guard path == active else { return choose(now: now, &directives) }
        let position = start.position
        if let next {
            guard position.term >= next.term else { return refuse(path, now: now, &directives) }
            if position.term == next.term {
                guard position.number > next.number else { return }
                counters.skips += 1
            }
        }
        term = max(term ?? position.term, position.term)
        next = position
        commit = nil
        directives.append(.begin(start))
    }

    /// A parent of a lower term than the one known is of no use.
    mutating func refuse(_ path: RelayPath, now: Duration, _ directives: inout [Directive]) {
        counters.staleTerms += 1
        directives.append(.send(.unsubscribe, on: path))
        leave(path, .refused(.wrongTerm), now: now, &directives)
    }

    mutating func take(
        _ batch: RelayRecords, _ path: RelayPath, now: Duration, _ directives: inout [Directive]
    ) {
        guard isServing(path) else { return leave(path, .failed(.unexpected), now: now, &directives) }
        let first = batch.first
        guard let next, first.term == next.term else {
            let isStale = next.map { first.term < $0.term } ?? false
            guard isStale || !isBound(path) else { return leave(path, .failed(.unexpected), now: now, &directives) }
            counters.staleRecords += batch.records.count
            return
        }
        guard first.number <= next.number else {
            guard isBound(path) else { return }
            return leave(path, .failed(.gap(wanted: next.number, came: first.number)), now: now, &directives)
        }
        let known = Int(min(next.number - first.number, UInt64(batch.records.count)))
        counters.repeatedRecords += known
        guard known < batch.records.count else { return }
        append(known == 0 ? batch.records : Array(batch.records[known...]), path, &directives)
    }

    private mutating func append(_ records: [FeedRecord], _ path: RelayPath, _ directives: inout [Directive]) {
        guard let first = next else { return }
        let last = first.number + UInt64(records.count) - 1
        next = FeedPosition(term: first.term, number: last + 1)
        directives.append(.append(records, at: first))
        guard isHolder, first.term == term else { return }
        directives.append(.send(.acknowledge(FeedPosition(term: first.term, number: last)), on: path))
    }

    /// Commits of a term whose records have not begun would let parts be listed that it takes back; they are said again.
    mutating func note(_ commit: CommitTracker.Commit, _ path: RelayPath, _ directives: inout [Directive]) {
        inform(path)
        guard commit.position.term == next?.term, isNewest(commit.position.term),
            self.commit.map({ $0.position < commit.position }) ?? true
        else { return }
        self.commit = commit
        directives.append(.commit(commit))
    }

    /// Whether commits of a term may be listed; those that may not are counted.
    private mutating func isNewest(_ term: Term) -> Bool {
        if let highest = self.term, term < highest {
            counters.staleCommits += 1
            return false
        }
        return true
    }

    mutating func take(
        _ heartbeat: RelayHeartbeat, _ path: RelayPath, now: Duration, _ directives: inout [Directive]
    ) {
        if let theirs = heartbeat.term, let term, theirs < term, now >= patience ?? now {
            return refuse(path, now: now, &directives)
        }
        let isHeard = heartbeat.gatewayAge != RelayHeartbeat.never
        let gatewayHeard = isHeard ? now - .milliseconds(Int64(heartbeat.gatewayAge)) : nil
        inform(path, gatewayHeard: gatewayHeard, term: heartbeat.term, now: now)
        if let commit = heartbeat.commit { note(commit, path, &directives) }
        choose(now: now, &directives)
    }
}

/// What a subscriber met.
public struct RelayCounters: Hashable, Sendable {
    /// Changes from a parent that lives to a better one.
    public var switches = 0
    /// Times that records were missing for good, because the parent held them no more.
    public var skips = 0
    /// Parents of a lower term than the one known.
    public var staleTerms = 0
    /// Commits of lower terms, thrown away.
    public var staleCommits = 0
    /// Records of lower terms, thrown away.
    public var staleRecords = 0
    /// Records that were there already, thrown away.
    public var repeatedRecords = 0

    /// None.
    public init() {}
}
