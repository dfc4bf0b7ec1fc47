// SPDX-License-Identifier: Apache-2.0

import Feed
import HLS
import Identity
import NIOCore
import NodeKit
import Relay
import Replica
import Synchronization
import Telemetry
import TestKit
import Testing
import Transport

@Suite("A term over the relay")
struct TermTests {
    /// What came of taking a term.
    private final class Outcome: Sendable {
        private let state = Mutex<Result<Succession, TermFailure>?>(nil)

        var value: Result<Succession, TermFailure>? { state.withLock { $0 } }

        func set(_ value: Result<Succession, TermFailure>) { state.withLock { $0 = value } }
    }

    private func replica(at node: RelayedNode) throws -> StreamReplica {
        let replica = StreamReplica(
            id: try GatewayFeed.stream, checkingOneIn: 1, settings: MediaWindowSettings(),
            metrics: ReplicaMetrics(node.registry))
        node.replicas.insert(replica)
        return replica
    }

    private func take(
        _ replica: StreamReplica, at node: RelayedNode, asking peers: [RelayedNode],
        for purpose: TermSession.Purpose = .publishing, claims: any TermClaims = GossipClaims(), quorum: Int = 0
    ) async throws -> Result<Succession, TermFailure> {
        let outcome = Outcome()
        let wish = TermWish(
            replica, for: purpose, above: nil, asking: try peers.map { try $0.asParent },
            quorum: TermSession.Quorum(count: quorum, voters: Set(peers.map(\.name))))
        node.upstream.take(wish, claims: claims) { outcome.set($0) }
        try await eventually("it is known what comes of it") { outcome.value != nil }
        return try #require(outcome.value)
    }

    @Test("is taken with the window of whoever holds the most, who acknowledges and lists no more of lower ones")
    func takes() async throws {
        let origin = try await RelayedNode.start("origin")
        let edge = try await RelayedNode.start("edge", below: [origin])
        let taker = try await RelayedNode.start("taker")
        let feed = try GatewayFeed(on: origin)
        feed.publish(.seconds(6))
        let held = try #require(edge.upstream.replica(of: GatewayFeed.stream, via: []))
        try await eventually("the edge has it") { held.playlist == feed.replica.playlist }
        let own = try replica(at: taker)
        let succession = try await take(own, at: taker, asking: [edge, origin]).get()
        #expect(succession.term > GatewayFeed.term && succession.listed == feed.replica.outlook.reach?.msn)
        #expect(own.holding.next == feed.replica.holding.next)
        let summary = try #require(own.succeed(in: succession.term, firstSegment: 0))
        #expect(summary.nextSegment >= 12 && own.source == .gateway && own.playlist == feed.replica.playlist)
        #expect(own.succeed(in: succession.term, firstSegment: 0) == nil)
        for node in [origin, edge] { #expect(node.replicas.promised(own.id) == succession.term) }
        let listed = held.outlook.reach
        feed.publish(.seconds(2))
        try await eventually("the records come, and nothing of them is listed") {
            edge.metric("millrace_stale_terms_refused_total", "commit") > 0
        }
        #expect(held.outlook.reach == listed)
        #expect(taker.metric("millrace_terms_total", "taken") == 1)
        for node in [taker, edge, origin] { await node.stop() }
    }

    @Test("is a higher one than anybody knows, and not taken where it only ends what somebody else has")
    func higher() async throws {
        let origin = try await RelayedNode.start("origin")
        let taker = try await RelayedNode.start("taker")
        let feed = try GatewayFeed(on: origin)
        feed.publish(.seconds(2))
        let known = Term(number: 9_000_000_000_000, salt: 4)
        _ = origin.replicas.promise(try GatewayFeed.stream, known)
        let own = try replica(at: taker)
        let refused = try await take(own, at: taker, asking: [origin], for: .ending)
        #expect(refused == .failure(.higherTerm(known)))
        let taken = try await take(own, at: taker, asking: [origin]).get()
        #expect(taken.term > known)
        for node in [taker, origin] { await node.stop() }
    }

    @Test("is taken alone where nobody can be reached, unless a quorum is asked for")
    func silence() async throws {
        let gone = try await RelayedNode.start("gone")
        let taker = try await RelayedNode.start("taker")
        await gone.stop()
        let own = try replica(at: taker)
        let tooFew = try await take(own, at: taker, asking: [gone], quorum: 2)
        #expect(tooFew == .failure(.tooFew(agreed: 1)))
        let alone = try await take(own, at: taker, asking: [gone]).get()
        #expect(alone.listed == nil)
        await taker.stop()
    }

    @Test("is claimed first, and a claim that is refused is made anew above")
    func claims() async throws {
        /// Refuses the first claim.
        final class Arbiter: TermClaims {
            let claimed = Mutex<[Term]>([])

            func claim(_ stream: StreamID, _ term: Term, answer: @escaping @Sendable (TermClaim) -> Void) {
                let isFirst = claimed.withLock { claimed in
                    claimed.append(term)
                    return claimed.count == 1
                }
                answer(isFirst ? .refused(higher: Term(number: 8_000_000_000_000, salt: 0)) : .granted)
            }

            func release(_ stream: StreamID, _ term: Term) {}
        }
        let taker = try await RelayedNode.start("taker")
        let arbiter = Arbiter()
        let own = try replica(at: taker)
        let taken = try await take(own, at: taker, asking: [], claims: arbiter).get()
        let claimed = arbiter.claimed.withLock { $0 }
        #expect(claimed.count == 2 && claimed[1] == taken.term && taken.term.number > 8_000_000_000_000)
        await taker.stop()
    }

    @Test("is confirmed by two, and refused by one who knows better")
    func confirms() async throws {
        let nodes = [
            try await RelayedNode.start("a"), try await RelayedNode.start("b"), try await RelayedNode.start("c"),
        ]
        let standing = Mutex<TermStanding?>(nil)
        let stream = try GatewayFeed.stream
        let peers = try nodes[1...].map { try $0.asParent }
        let check = { @Sendable (term: Term) in
            standing.withLock { $0 = nil }
            nodes[0].upstream.confirm(stream, term, asking: peers) { found, _ in standing.withLock { $0 = found } }
        }
        check(GatewayFeed.term)
        try await eventually("both agree") { standing.withLock { $0 } == .highest }
        let higher = Term(number: 6, salt: 0)
        _ = nodes[2].replicas.promise(stream, higher)
        check(GatewayFeed.term)
        try await eventually("one knows better") { standing.withLock { $0 } == .superseded(by: higher) }
        for node in nodes { await node.stop() }
    }

    @Test("of a gateway that states wrong hashes is counted by all who look")
    func mismatch() async throws {
        let liar = try await FalseParent.start()
        let edge = try await RelayedNode.start("edge")
        edge.finder.parents = [try liar.asParent]
        _ = try #require(edge.upstream.replica(of: GatewayFeed.stream, via: []))
        try await eventually("the lie is counted") { edge.metric("millrace_segment_mismatch_total") >= 2 }
        #expect(
            edge.metric("millrace_segment_checks_total") == edge.metric("millrace_segment_mismatch_total"))
        await edge.stop()
        await liar.stop()
    }
}
