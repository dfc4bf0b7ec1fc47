// SPDX-License-Identifier: Apache-2.0

public import Cluster
public import Identity
import Logging
import NIOPosix
import Synchronization
public import Telemetry
import Transport

/// A Redis server as the arbiter of terms between gateways, and as a place where nodes find each other. It obeys and
/// measures; what its silence means, others decide.
///
/// All that waits for the server waits on one thread of its own. Any thread may call; answers come on that thread and must
/// not block it.
public final class RedisStore: Sendable {
    private let link: Mutex<RedisLink>
    private let leases: LeaseScripts
    private let seeds: SeedScripts
    private let thread = NIOThreadPool(numberOfThreads: 1)
    private let isRenewing = Atomic(false)
    private let metrics: RedisMetrics
    private let log: StormLog

    /// The store of a cluster's node; nothing is connected before something is asked.
    public init(
        _ settings: RedisSettings, cluster: String, holder: NodeID, metrics: RedisMetrics, log: StormLog
    ) {
        link = Mutex(RedisLink(settings))
        leases = LeaseScripts(settings, cluster: cluster, holder: holder)
        seeds = SeedScripts(settings, cluster: cluster)
        self.metrics = metrics
        self.log = log
        thread.start()
    }

    /// Ends the connection and the thread. What was asked before is still answered.
    public func stop() async {
        await withCheckedContinuation { continuation in thread.submit { _ in continuation.resume() } }
        try? await thread.shutdownGracefully()
    }
}

// MARK: - Leases

extension RedisStore {
    /// Asks for a term.
    /// - Parameters:
    ///   - known: the highest term of the stream that this node knew before; a living lease above it is not taken over.
    ///   - answer: called once. `unreachable` comes at once while the server is known to be away, else after the
    ///     settings' timeout for each of connecting, being let in and the answer itself.
    public func claim(
        _ stream: StreamID, _ term: Term, knowing known: Term?,
        then answer: @escaping @Sendable (LeaseAnswer) -> Void
    ) {
        let call = leases.hold(stream, term, knowing: known)
        thread.submit { [self] state in
            guard state == .active else { return answer(.unreachable) }
            let result = ask(.scripts([call])).flatMap { try? LeaseScripts.answer($0[0]) } ?? .unreachable
            metrics.claimed(result)
            answer(result)
        }
    }

    /// Renews all leases of this node in one pipeline, and says that the node is at `endpoint`. While one round is under
    /// way another is not begun.
    /// - Parameter outcome: called once, unless a round is under way.
    public func renew(
        _ held: [StreamID: Term], announcing endpoint: Endpoint, in region: Region,
        then outcome: @escaping @Sendable (RenewalOutcome) -> Void
    ) {
        guard isRenewing.compareExchange(expected: false, desired: true, ordering: .relaxed).exchanged else { return }
        thread.submit { [self] state in
            defer { isRenewing.store(false, ordering: .relaxed) }
            guard state == .active else { return }
            outcome(round(held, announcing: endpoint, in: region))
        }
    }

    private func round(_ held: [StreamID: Term], announcing endpoint: Endpoint, in region: Region) -> RenewalOutcome {
        let begin = SystemClock.now()
        guard link.withLock({ !$0.isWaiting(now: begin) }) else { return .postponed }
        let streams = Array(held)
        let calls = streams.map { leases.hold($0.key, $0.value, knowing: $0.value) }
        guard let replies = ask(.scripts([seeds.announce(endpoint, in: region)] + calls)) else {
            metrics.roundsFailed.add()
            return .failed(begunAt: begin)
        }
        var lost: [LostLease] = []
        for ((stream, term), reply) in zip(streams, replies.dropFirst()) {
            if case .refused(let highest, let holder)? = try? LeaseScripts.answer(reply) {
                lost.append(LostLease(stream: stream, term: term, highest: highest, holder: holder))
            }
        }
        metrics.leasesLost.add(lost.count)
        return .renewed(begunAt: begin, lost: lost)
    }

    /// Gives a lease back, if the server is there. Where it is not, the lease ends by itself.
    public func release(_ stream: StreamID, _ term: Term) {
        let call = leases.release(stream, term)
        thread.submit { [self] state in if state == .active { _ = ask(.scripts([call])) } }
    }

    /// Another node reaches the server: the next question connects at once, whatever failed before.
    public func hurry() {
        thread.submit { [self] state in if state == .active { link.withLock { $0.hurry() } } }
    }
}

// MARK: - Seeds

extension RedisStore {
    /// Where nodes of a region are; none where the server does not answer.
    public func seeds(in region: Region) async -> [Endpoint] { await find { _ in [region] } }

    /// Where nodes of other regions are.
    public func seeds(outside region: Region) async -> [Endpoint] { await find { $0.filter { $0 != region } } }

    private func find(_ choose: @escaping @Sendable ([Region]) -> [Region]) async -> [Endpoint] {
        await withCheckedContinuation { continuation in
            thread.submit { [self] state in
                guard state == .active else { return continuation.resume(returning: []) }
                let known = texts([seeds.findRegions]).compactMap { Region(parsing: $0) }
                let found = texts(choose(known).map { seeds.find(in: $0) })
                continuation.resume(returning: found.compactMap { Endpoint(announced: $0) })
            }
        }
    }

    private func texts(_ commands: [[String]]) -> [String] {
        (commands.isEmpty ? [] : ask(.commands(commands)) ?? []).flatMap { $0.texts ?? [] }
    }
}

// MARK: - On the thread

extension RedisStore {
    /// Asks, and measures. Nil where there is no answer; at once where the server failed a moment ago.
    private func ask(_ question: RedisLink.Question) -> [RedisReply]? {
        let begin = SystemClock.now()
        do throws(RedisFailure) {
            let answer = try link.withLock { link throws(RedisFailure) -> [RedisReply]? in
                try link.isWaiting(now: begin) ? nil : link.ask(question)
            }
            guard let replies = answer else { return nil }
            metrics.answered(after: SystemClock.now() - begin)
            return replies
        } catch {
            metrics.up.set(0)
            log.record("redis", level: .warning, metadata: ["reason": "\(error)"], now: SystemClock.now())
            return nil
        }
    }
}

/// What came of a round of renewals. Times are monotonic.
public enum RenewalOutcome: Hashable, Sendable {
    /// The server did not answer a question that was asked from `begunAt` on.
    case failed(begunAt: Duration)
    /// The server was not asked: it is to be left alone for a moment after it failed.
    case postponed
    /// All leases but the lost ones last anew from `begunAt` on.
    case renewed(begunAt: Duration, lost: [LostLease])
}

/// A lease that could not be renewed, because somebody claimed a higher term.
public struct LostLease: Hashable, Sendable {
    /// The stream.
    public let stream: StreamID
    /// The term that is over.
    public let term: Term
    /// The term that counts.
    public let highest: Term
    /// Who has it; nil where nobody has a living lease.
    public let holder: NodeID?
}

extension Endpoint {
    /// As an announcement has it.
    fileprivate init?(announced text: String) {
        guard let place = RedisServer(parsing: text, defaultPort: 0), place.port != 0,
            let address = IPAddress(parsing: place.host)
        else { return nil }
        self.init(address: address, port: place.port)
    }
}
