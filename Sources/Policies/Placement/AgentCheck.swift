// SPDX-License-Identifier: Apache-2.0

/// What a node answers to HAProxy's `agent-check`, so that a load balancer in front of routers or edges follows their
/// load (HAProxy configuration manual, server option `agent-check`).
public enum AgentCheck: Hashable, Sendable {
    /// It serves; new work in proportion to what is free.
    case serving(use: Double)
    /// It takes nothing new and finishes what it has.
    case draining
    /// It serves nobody: it has no key, no member or no disk.
    case unfit

    /// The line. `ready` takes back an earlier `drain` or `maint`, which the balancer would otherwise keep for ever, and a
    /// node in service never says less than 1 %, because 0 % means drain.
    public var line: String {
        switch self {
        case .serving(let use): "up ready \(Self.percent(use))%\n"
        case .draining: "drain\n"
        case .unfit: "maint\n"
        }
    }

    private static func percent(_ use: Double) -> Int {
        let free = use.isNaN ? 0 : 1 - min(max(use, 0), 1)
        return max(Int(free * 100 + 0.5), 1)
    }
}
