// SPDX-License-Identifier: Apache-2.0

import Cluster
import Feed
import HLS
import Identity
import Media
import Relay

/// What a node may list, and may not any more.
struct FailoverAudit {
    /// What was committed here when it was last looked at, and what was promised then.
    var commit: CommitTracker.Commit?
    var promise: TermPromise?
    /// Where a gateway that is fenced stands.
    var fence: FencedPosition?
    /// A term that others have gone on in while the process stood still, and that those whom it asks since know.
    var outdone: Term?
    /// Since when a gateway's lease is another's, and it could know.
    var isStaleSince: Duration?
    /// Since when a gateway reaches fewer origins than must agree.
    var isFewSince: Duration?
}

/// Where a gateway stood when it was fenced: nothing moves from there.
struct FencedPosition: Equatable {
    let term: Term
    let nextNumber: UInt64
    let commit: CommitTracker.Commit?

    init(_ gateway: FailoverGateway, _ feed: HeldFeed?) {
        term = gateway.term
        nextNumber = gateway.nextNumber
        commit = feed?.commit
    }
}

/// What must be true of terms, fences and the store.
extension FailoverWorld {
    /// Looks at every node that runs: at what it lists, and at whether it may.
    func auditAll() {
        for node in nodes where node.state == .up {
            auditCommits(node)
            checkFence(node)
            if node.gateway != nil {
                auditLease(node)
                auditQuorum(node)
            } else {
                node.audit.isStaleSince = nil
                node.audit.isFewSince = nil
            }
        }
    }

    /// No node lists in a lower term than before, nor more of one below what it promised in the last ten seconds, or below
    /// one of which it holds anything.
    private func auditCommits(_ node: FailoverNode) {
        let (before, promise) = (node.audit.commit, node.audit.promise)
        node.audit.promise = node.promise
        guard let feed = node.feed, let commit = feed.commit else { return }
        node.audit.commit = commit
        furthest = max(furthest ?? commit.part, commit.part)
        guard let before, commit != before else { return }
        if commit.position.term < before.position.term {
            fail("n\(node.number) lists in \(commit.position.term) after \(before.position.term)")
        }
        guard let promise, commit.position.term < promise.term else { return }
        if now - promise.madeAt < .seconds(10) || feed.next.term >= promise.term {
            fail("n\(node.number) lists more of \(commit.position.term) and promised \(promise.term)")
        }
    }

    /// Who is fenced appends nothing and lists nothing.
    func checkFence(_ node: FailoverNode) {
        guard let fence = node.audit.fence, let gateway = node.gateway, gateway.term == fence.term else { return }
        guard FencedPosition(gateway, node.feed) != fence else { return }
        fail("n\(node.number) goes on in \(fence.term), fenced: \(gateway.fences)")
    }

    /// A gateway that stood still goes on by no answers from before: in a term that is outdone it appends nothing any more.
    func checkOutdone(_ node: FailoverNode) {
        guard let outdone = node.audit.outdone, let term = node.gateway?.term, term < outdone else { return }
        fail("n\(node.number) goes on in \(term), and \(outdone) had begun")
    }

    /// A term that the store gave to another is written in no more, soon, where its gateway could know: it reaches the
    /// store, or hears from an origin that does.
    private func auditLease(_ node: FailoverNode) {
        guard variant.hasStore, let gateway = node.gateway, let highest = store.highest, highest > gateway.term,
            store.isUp, !gateway.isFenced, canKnow(node)
        else {
            node.audit.isStaleSince = nil
            return
        }
        let since = node.audit.isStaleSince ?? now
        node.audit.isStaleSince = since
        staleness = max(staleness, now - since)
        if now - since > Self.longestStaleness {
            fail("n\(node.number) writes in \(gateway.term), the store has \(highest)")
        }
    }

    private func canKnow(_ node: FailoverNode) -> Bool {
        if talks(node.number, Self.storeNumber) { return true }
        return nodes.contains { other in
            other !== node && other.isOrigin && other.state == .up && !other.dead.contains(node.number)
                && talks(other.number, Self.storeNumber) && reaches(other.number, node.number)
        }
    }

    /// A gateway that reaches fewer origins than must agree lists nothing any more, soon.
    private func auditQuorum(_ node: FailoverNode) {
        let count = nodes.count { $0.isOrigin && ($0 === node || $0.state == .up && isHeard($0, by: node)) }
        guard count < variant.quorum, node.gateway?.isFenced == false else {
            node.audit.isFewSince = nil
            return
        }
        let since = node.audit.isFewSince ?? now
        node.audit.isFewSince = since
        if now - since > Self.longestMinority { fail("n\(node.number) writes among \(count) origins") }
    }

    /// A promise counts for whoever asked.
    func promised(_ term: Term, by node: FailoverNode) {
        if node.isOrigin { promises[term, default: []].insert(node.number) }
    }

    /// A term begins: nobody else ever wrote in it, it is above all that its gateway knew, enough have promised it, and all
    /// whom the gateway believes alive write as it does.
    func begins(_ term: Term, writing packaging: UInt8, at node: FailoverNode) {
        if let other = writers[term] { fail("n\(other) and n\(node.number) in \(term)") }
        writers[term] = node.number
        let known = [node.entry?.term, node.feed?.next.term].compactMap { $0 }.max()
        if let known, known >= term { fail("n\(node.number) takes \(term) and knows \(known)") }
        let agreed = promises[term, default: []].union([node.number]).count
        if agreed < variant.quorum { fail("n\(node.number) takes \(term), to which \(agreed) agree") }
        for other in nodes where !node.dead.contains(other.number) && !other.description.packaging.contains(packaging) {
            fail("n\(node.number) writes version \(packaging), and n\(other.number) lives")
        }
    }

    /// What a term goes on from: nothing that anybody listed is taken back where one machine alone has failed.
    func goesOn(from part: PartPosition?, at node: FailoverNode) {
        guard isSingle, let furthest, part.map({ $0 < furthest }) ?? true else { return }
        fail("n\(node.number) goes on from \(part.map { "\($0)" } ?? "nothing"), and \(furthest) was listed")
    }

    /// A publisher that went where it was asked to has lost nothing: its units are numbered.
    func auditUnits() {
        guard let log = gatewayNow?.feed?.log else { return }
        var last: UInt32?
        for place in log.firstPlace..<log.endPlace {
            guard case .accessUnit(let unit)? = log[place: place] else { continue }
            let number = unit.payload.suffix(4).reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            if let last, number != last + 1 { fail("unit \(number) follows \(last)") }
            last = number
        }
    }

    /// The store grants: to one node alone, never less than before as long as it remembers, and never less than the
    /// claimer knows, whatever it forgot.
    func granted(_ term: Term, to holder: Int, knowing known: Term?) {
        if let other = holders[term], other != holder { fail("the store grants \(term) to n\(other) and n\(holder)") }
        holders[term] = holder
        grants += 1
        if let granted, granted.losses == store.losses, term < granted.term {
            fail("the store grants \(term) to n\(holder) after \(granted.term)")
        }
        granted = (term, store.losses)
        if let known, term <= known { fail("n\(holder) is granted \(term) and knew \(known)") }
    }

    func fail(_ problem: String) {
        note("PROBLEM \(problem)")
        if problems.count < 10 { problems.append("\(problem), at \(now)") }
    }

    private static let longestStaleness: Duration = .seconds(6)
    private static let longestMinority: Duration = .seconds(5)
}
