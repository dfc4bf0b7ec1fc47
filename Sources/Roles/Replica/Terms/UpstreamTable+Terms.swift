// SPDX-License-Identifier: Apache-2.0

public import Identity
import NIOCore
public import Relay

/// Streams that this node goes on with itself, and those that it gives back to others.
extension UpstreamTable {
    /// Takes a term: what is held of the stream is completed from those who hold more. Meanwhile, and if it comes to that
    /// afterwards, the stream is taken from nobody.
    /// - Parameter done: called once, on any thread.
    public func take(
        _ wish: TermWish, claims: any TermClaims, done: @escaping @Sendable (Result<Succession, TermFailure>) -> Void
    ) {
        suspend(wish.replica.id)
        onSomeLoop { [weak self, replicas] loop in
            let taking = TermTaking(wish, claims: claims, replicas: replicas, on: loop) { [weak self] outcome in
                done(outcome)
                self?.resume(wish.replica.id)
            }
            taking.begin()
        }
    }

    /// Asks whether this node's term still is the highest.
    /// - Parameters:
    ///   - required: where all are to say so, soon, those of them without whom it is not known; nil where two are enough,
    ///     unless another objects as soon.
    ///   - done: called once, on any thread, with those who answered that it is.
    public func confirm(
        _ stream: StreamID, _ term: Term, asking peers: [RelayParent], needing required: Set<NodeID>? = nil,
        done: @escaping @Sendable (TermStanding, Set<NodeID>) -> Void
    ) {
        onSomeLoop { loop in
            let settings = loop.identity.settings
            let confirmation =
                required.map {
                    TermConfirmation(term, byAll: Set(peers.map(\.node)), atLeast: $0, settings: settings)
                } ?? TermConfirmation(term, peers: peers.count, settings: settings)
            TermChecking(stream, confirmation, asking: peers, on: loop, done: done).begin()
        }
    }
}
