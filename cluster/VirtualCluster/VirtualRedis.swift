// SPDX-License-Identifier: Apache-2.0

public import Identity

/// Redis, modelled, for one stream: the rule of the script that claims and renews, and the lives of its two keys.
///
/// The rule is that of `LeaseScripts`: what is below the highest term is refused, what is equal to it and another's, and
/// what would take over a living lease that the claimer does not know of. `SharedStateTests` hold it against a real server.
public struct VirtualRedis: Sendable {
    /// What a claim, or a renewal, is told.
    public enum Answer: Hashable, Sendable {
        /// The term is the claimer's.
        case granted
        /// The highest term, which is another one, or another's.
        case refused(highest: Term)
    }

    /// Whether there is a process.
    var isUp = true
    /// How often it lost what it knew.
    private(set) var losses = 0
    /// The highest term that it granted, as far as it remembers.
    private(set) var highest: Term?
    private var lease: (holder: NodeID, until: Duration)?

    /// A server that knows nothing yet.
    public init() {}

    /// Claims a term, or renews it.
    /// - Parameter known: the highest term that the claimer knew before; of a renewal, its own.
    public mutating func hold(_ term: Term, by holder: NodeID, knowing known: Term?, now: Duration) -> Answer {
        if let highest {
            let isTaken = lease.map { $0.until > now && $0.holder != holder } ?? false
            if highest > term || isTaken && (highest == term || known.map { highest > $0 } ?? true) {
                return .refused(highest: highest)
            }
        }
        lease = (holder, now + Self.leaseLife)
        highest = term
        return .granted
    }

    /// Gives a lease back. The term stays known.
    public mutating func release(_ term: Term, by holder: NodeID) {
        if lease?.holder == holder, highest == term { lease = nil }
    }

    /// It forgets everything.
    public mutating func flush() {
        losses += 1
        highest = nil
        lease = nil
    }

    /// It is what a replica of it was that has become the master.
    mutating func becomes(_ replica: VirtualRedis) {
        let losses = losses + 1
        self = replica
        self.losses = losses
    }

    /// How long a lease lasts without a renewal.
    public static let leaseLife: Duration = .seconds(3)
}
