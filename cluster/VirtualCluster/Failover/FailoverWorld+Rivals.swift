// SPDX-License-Identifier: Apache-2.0

import Identity
import TestKit

/// Two publishers of one name.
extension FailoverWorld {
    /// Again and again the publisher comes to one origin while another of the same name comes to a second, and their
    /// questions cross: one of the two must have the stream, and when the other has gone everybody must have it.
    public func playRivals(rounds: Int = 6) {
        run(for: .seconds(6))
        for _ in 0..<rounds {
            guard let rival = cross() else { return problems.append("there are no two origins to come to") }
            run(for: .milliseconds(Int.random(in: 1500...4000, using: &random)))
            rivals = []
            rival.node.mailbox.insert(.media(connection: rival.connection, .left), at: now)
            run(for: .milliseconds(Int.random(in: 100...3000, using: &random)))
        }
        expectRecovery()
    }

    /// Both come, in the same moment or nearly. Whoever was connected to the gateway does not say that it left.
    private func cross() -> (connection: Int, node: FailoverNode)? {
        let open = nodes.filter { $0.isOrigin && $0.gateway == nil && $0.taking == nil }
        guard open.count >= 2 else { return nil }
        let rival = publisher.connection + 1
        let own = rival + 1
        let isFirst = Bool.random(using: &random)
        publisher.connection = own
        publisher.origin = (open[0].number, open[0].life)
        publisher.waitsForEntry = true
        rivals = [rival, own]
        note("— publishers \(rival) at n\(open[1].number) and \(own) at n\(open[0].number)")
        if isFirst { arrive(own, open[0]) } else { arrive(rival, open[1]) }
        run(for: .milliseconds(10 * Int.random(in: 0...4, using: &random)))
        if isFirst { arrive(rival, open[1]) } else if publisher.connection == own { arrive(own, open[0]) }
        return (rival, open[1])
    }
}
