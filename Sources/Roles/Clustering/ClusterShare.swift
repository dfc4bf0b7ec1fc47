// SPDX-License-Identifier: Apache-2.0

import Cluster
import Gossip
import Synchronization

/// What of a gossip loop other threads may see and change.
final class ClusterShare: Sendable {
    private let state: Mutex<(view: ClusterView, keyring: Keyring)>

    init(view: ClusterView, keyring: Keyring) { state = Mutex((view, keyring)) }

    var view: ClusterView { state.withLock { $0.view } }
    var keyring: Keyring { state.withLock { $0.keyring } }

    func set(_ view: ClusterView) { state.withLock { $0.view = view } }

    /// Obeys another node's order. Returns whether it changed anything.
    func obey(_ order: KeyOrder) -> Bool { state.withLock { $0.keyring.obey(order) } }

    /// Changes the keyring and returns the order by which all others do.
    /// - Parameter now: Unix milliseconds.
    func order(_ verb: KeyVerb, now: UInt64) throws(KeyringFailure) -> KeyOrder {
        let outcome = state.withLock { state -> Result<KeyOrder, KeyringFailure> in
            Result { () throws(KeyringFailure) in
                switch verb {
                case .install(let key): try state.keyring.install(key, now: now)
                case .remove(let id): try state.keyring.remove(id, now: now)
                case .use(let id): try state.keyring.use(id, now: now)
                }
            }
        }
        return try outcome.get()
    }
}
