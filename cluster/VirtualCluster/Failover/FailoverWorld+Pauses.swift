// SPDX-License-Identifier: Apache-2.0

import Identity
import TestKit

/// A process that stands still twice.
extension FailoverWorld {
    /// The gateway stands still for so short a time that its publisher stays, asks whether its term still is the highest, and
    /// stands still again a tenth of a second or three later, with answers under way that wait for it. Meanwhile the
    /// publisher goes to another origin: when the gateway runs again nothing of its own may be seen any more, not even for
    /// as long as it takes it to hear of the other.
    public func playPauses() {
        run(for: .seconds(6))
        guard let gateway = gatewayNow, let term = gateway.gateway?.term else {
            return problems.append("there is no gateway")
        }
        pause(gateway, for: .milliseconds(10 * Int.random(in: 105...140, using: &random)))
        run(for: .milliseconds(10 * Int.random(in: 10...30, using: &random)))
        gateway.state = .frozen
        note("— n\(gateway.number) stands still again\(gateway.gateway?.isFenced ?? false ? ", in doubt" : "")")
        let limit = now + Self.longestPause
        while now < limit, outdoes(term) == nil { run(for: .milliseconds(50)) }
        guard let higher = outdoes(term) else { return problems.append("nobody took the stream") }
        run(for: .milliseconds(10 * Int.random(in: 0...100, using: &random)))
        gateway.audit.outdone = higher
        gateway.state = .up
        run(for: .seconds(2))
        if gateway.gateway?.term == term { fail("n\(gateway.number) still has \(term)") }
        gateway.audit.outdone = nil
        mend()
        expectRecovery()
    }

    private func pause(_ node: FailoverNode, for duration: Duration) {
        note("— n\(node.number) stands still")
        node.state = .frozen
        run(for: duration)
        node.state = .up
    }

    /// The term in which somebody goes on above `term`.
    private func outdoes(_ term: Term) -> Term? {
        nodes.compactMap { $0.gateway?.term }.filter { $0 > term }.max()
    }

    /// The publisher notices, comes back, and the origin waits for a gateway that is still believed alive.
    private static let longestPause: Duration = .seconds(9)
}
