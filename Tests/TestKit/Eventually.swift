// SPDX-License-Identifier: Apache-2.0

/// A condition that did not come true in time.
package struct NeverHappened: Error, CustomStringConvertible {
    /// What was hoped for.
    package let description: String

    /// Of what was hoped for.
    package init(description: String) { self.description = description }
}

/// Returns as soon as `condition` holds; throws if it does not within two minutes: where all tests run at once on two
/// processors, one may stand for the better part of a minute.
package func eventually(
    _ hope: @autoclosure () -> String, within limit: Duration = .seconds(120),
    _ condition: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + limit
    while try await !condition() {
        guard ContinuousClock.now < deadline else { throw NeverHappened(description: hope()) }
        try await Task.sleep(for: .milliseconds(3))
    }
}
