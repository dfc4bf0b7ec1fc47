// SPDX-License-Identifier: Apache-2.0

import Bytes
public import Media
public import Objects
import Synchronization

/// An object store somewhere else, spoken to in its dialect through an ``OutboundClient``.
///
/// What fails in passing is tried again after a random wait, within a budget that all operations of the store share. A read
/// that takes longer than most is asked a second time, and the first answer counts.
public final class RemoteStore: ObjectStore {
    private let client: OutboundClient
    private let settings: StoreSettings
    private let metrics: StoreMetrics
    private let credentials: CredentialKeeper
    private let wall: @Sendable () -> WallTime
    private let budget = Mutex(RetryBudget())
    private let reads = Mutex(LatencyWindow())

    /// A store; `wall` reads the civil time that requests are signed with.
    public init(
        _ dialect: some StoreDialect, client: OutboundClient, settings: StoreSettings = StoreSettings(),
        metrics: StoreMetrics, wall: @escaping @Sendable () -> WallTime
    ) {
        self.client = client
        self.settings = settings
        self.metrics = metrics
        self.wall = wall
        credentials = CredentialKeeper(dialect, wall: wall) { request throws(StoreFailure) in
            try await client.send(request, timeout: settings.timeout, largest: .kibibytes(64))
        }
    }

    /// Does one operation, as the type says.
    public func perform(_ operation: ObjectOperation) async throws(StoreFailure) -> ObjectOutcome {
        budget.withLock { $0.earn() }
        var failures = 0
        var isRenewed = false
        while true {
            do throws(StoreFailure) {
                return try await hedged(operation)
            } catch {
                failures += 1
                if case .wrongCredentials = error, !isRenewed, await credentials.forget() {
                    isRenewed = true
                    continue
                }
                guard error.isPassing, failures < settings.attempts, budget.withLock({ $0.spend() }) else {
                    throw error
                }
                try await wait(failures, error)
                metrics.retried(operation)
            }
        }
    }

    private func wait(_ failures: Int, _ failure: StoreFailure) async throws(StoreFailure) {
        var random = SystemRandomNumberGenerator()
        var asked: Duration?
        if case .throttled(let time) = failure { asked = time }
        do {
            try await Task.sleep(for: settings.retry.delay(after: failures, asked: asked, using: &random))
        } catch {
            throw .cancelled
        }
    }

    /// One attempt, or for a slow read two, of which the first that succeeds counts.
    private func hedged(_ operation: ObjectOperation) async throws(StoreFailure) -> ObjectOutcome {
        guard settings.hedgesReads, case .get = operation, let slow = reads.withLock({ $0.slow }) else {
            return try await attempt(operation)
        }
        let result = await withTaskGroup(of: Result<ObjectOutcome, StoreFailure>?.self) { group in
            group.addTask { await self.result(of: operation) }
            group.addTask {
                try? await Task.sleep(for: slow)
                guard !Task.isCancelled, self.budget.withLock({ $0.spend() }) else { return nil }
                self.metrics.hedged()
                return await self.result(of: operation)
            }
            defer { group.cancelAll() }
            var last: Result<ObjectOutcome, StoreFailure> = .failure(.cancelled)
            while let result = await group.next() {
                guard let result else { continue }
                last = result
                // A failure that will not pass is an answer as well.
                switch result {
                case .success: return result
                case .failure(let failure) where !failure.isPassing: return result
                case .failure: continue
                }
            }
            return last
        }
        return try result.get()
    }

    private func result(of operation: ObjectOperation) async -> Result<ObjectOutcome, StoreFailure> {
        do throws(StoreFailure) {
            return .success(try await attempt(operation))
        } catch {
            return .failure(error)
        }
    }

    private func attempt(_ operation: ObjectOperation) async throws(StoreFailure) -> ObjectOutcome {
        let dialect = try await credentials.ready()
        let clock = ContinuousClock()
        let start = clock.now
        do throws(StoreFailure) {
            let answer = try await client.send(
                dialect.request(for: operation, now: wall()), timeout: settings.timeout, largest: settings.largestObject
            )
            let outcome = try dialect.outcome(of: operation, answer: answer)
            let time = clock.now - start
            if case .get = operation { reads.withLock { $0.add(time) } }
            metrics.succeeded(operation, outcome, after: time)
            return outcome
        } catch {
            metrics.failed(operation, error)
            throw error
        }
    }
}
