// SPDX-License-Identifier: Apache-2.0

/// What is known of one key: the newest order of each kind. Merging takes the larger of each time, so it does not matter
/// what comes first.
struct KeySlot: Hashable {
    let id: UInt32
    /// The key; nil where it was forgotten or only its removal was heard of.
    var secret: ClusterKey?
    /// The newest order to install or use it; 0 for a key of the settings.
    private(set) var added: UInt64 = 0
    /// The newest order to use it; 0 for the first key of the settings, nil where there was none.
    private(set) var used: UInt64?
    /// The newest order to remove it.
    private(set) var removed: UInt64 = 0

    init(id: UInt32) { self.id = id }

    init(_ key: ClusterKey, used: UInt64?) {
        id = key.id
        secret = key
        self.used = used
    }

    /// Whether it goes as soon as it is not in use.
    var isRemoved: Bool { secret == nil || removed > added }

    /// The newest order of any kind.
    var newest: UInt64 { max(added, removed) }

    /// Takes an order.
    mutating func obey(_ order: KeyOrder, secret key: ClusterKey?) {
        switch order.verb {
        case .install: added = max(added, order.time)
        case .remove: removed = max(removed, order.time)
        case .use:
            added = max(added, order.time)
            used = max(used ?? 0, order.time)
        }
        if secret == nil { secret = key }
    }

    /// The orders that make it what it is.
    var orders: [KeyOrder] {
        var orders: [KeyOrder] = []
        if let secret, let used, used > 0 {
            orders.append(KeyOrder(time: used, key: id, verb: .use, secret: secret.bytes))
        }
        if let secret, added > used ?? 0 {
            orders.append(KeyOrder(time: added, key: id, verb: .install, secret: secret.bytes))
        }
        if removed > 0 { orders.append(KeyOrder(time: removed, key: id, verb: .remove, secret: [])) }
        return orders
    }
}
