// SPDX-License-Identifier: Apache-2.0

import Media
import Objects

/// Holds a store's dialect, and renews what it signs with; all who wait for a renewal share one.
actor CredentialKeeper {
    private var dialect: any StoreDialect
    private var renewal: Task<Result<any StoreDialect, StoreFailure>, Never>?
    private let send: @Sendable (OutboundRequest) async throws(StoreFailure) -> OutboundAnswer
    private let wall: @Sendable () -> WallTime

    init(
        _ dialect: any StoreDialect, wall: @escaping @Sendable () -> WallTime,
        send: @escaping @Sendable (OutboundRequest) async throws(StoreFailure) -> OutboundAnswer
    ) {
        self.dialect = dialect
        self.wall = wall
        self.send = send
    }

    /// The dialect, able to sign now.
    func ready() async throws(StoreFailure) -> any StoreDialect {
        if let renewal { return try await renewal.value.get() }
        guard let request = dialect.credentialRequest(now: wall()) else { return dialect }
        let task = Task { [dialect, wall, send] () -> Result<any StoreDialect, StoreFailure> in
            var renewed = dialect
            do throws(StoreFailure) {
                try renewed.receiveCredentials(try await send(request), now: wall())
                return .success(renewed)
            } catch {
                return .failure(error)
            }
        }
        renewal = task
        let result = await task.value
        renewal = nil
        if case .success(let renewed) = result { dialect = renewed }
        return try result.get()
    }

    /// The store does not take the credentials any more; true where there are others to be had.
    func forget() -> Bool {
        dialect.forgetCredentials()
        return dialect.credentialRequest(now: wall()) != nil
    }
}
