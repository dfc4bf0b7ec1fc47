// SPDX-License-Identifier: Apache-2.0

/// The keys of a cluster as one node knows them: one in use, with which it seals, and up to three others, with which it
/// opens too, so that a rotation (install everywhere, use, remove) never makes anyone deaf.
///
/// Nodes that have heard the same orders hold the same keys, whatever came first and however often: of each key the
/// newest order counts; the key in use is the one with the newest order to use it; it can not be removed, and an order to
/// do so takes effect when another comes into use.
public struct Keyring: Hashable, Sendable {
    /// The key to seal with.
    public private(set) var inUse: ClusterKey
    /// The others to open with, the newest first, at most three.
    public private(set) var others: [ClusterKey] = []
    private var slots: [KeySlot]

    /// The keys of the settings: the first is used until an order says otherwise.
    public init(_ key: ClusterKey, others: [ClusterKey] = []) {
        inUse = key
        slots = [KeySlot(key, used: 0)]
        for other in others where other.id != key.id { slots.append(KeySlot(other, used: nil)) }
        settle()
    }

    /// The key of this name, to open with.
    public func key(_ id: UInt32) -> ClusterKey? {
        inUse.id == id ? inUse : others.first { $0.id == id }
    }

    /// The orders that made the ring what it is, at most 48: for a node that did not hear them.
    public var orders: [KeyOrder] { slots.flatMap(\.orders) }

    /// How many keys there may be beside the one in use.
    public static let maximumOthers = 3

    /// How many keys are remembered, the removed among them, so that an order that comes late does not bring one back.
    private static let maximumSlots = 16
}

extension Keyring {
    /// Takes an order of another node; says whether it was news. One whose key is not what it is called is none.
    public mutating func obey(_ order: KeyOrder) -> Bool {
        let secret = ClusterKey(bytes: order.secret)
        guard order.verb == .remove ? order.secret.isEmpty : secret?.id == order.key else { return false }
        let before = slots.first { $0.id == order.key }
        var slot = before ?? KeySlot(id: order.key)
        slot.obey(order, secret: secret)
        slots.removeAll { $0.id == order.key }
        slots.append(slot)
        settle()
        return slots.first { $0.id == order.key } != before
    }

    /// Makes the order to install a key, and obeys it. `now` is Unix milliseconds.
    public mutating func install(_ key: ClusterKey, now: UInt64) throws(KeyringFailure) -> KeyOrder {
        guard self.key(key.id) != nil || others.count < Self.maximumOthers else { throw .full }
        return obeying(.install, key, now: now)
    }

    /// Makes the order to use a key of the ring, and obeys it. `now` is Unix milliseconds.
    public mutating func use(_ id: UInt32, now: UInt64) throws(KeyringFailure) -> KeyOrder {
        guard let key = key(id) else { throw .unknownKey }
        return obeying(.use, key, now: now)
    }

    /// Makes the order to remove a key, and obeys it. `now` is Unix milliseconds.
    public mutating func remove(_ id: UInt32, now: UInt64) throws(KeyringFailure) -> KeyOrder {
        guard let key = key(id) else { throw .unknownKey }
        guard inUse.id != id else { throw .keyInUse }
        return obeying(.remove, key, now: now)
    }

    private mutating func obeying(_ verb: KeyOrder.Verb, _ key: ClusterKey, now: UInt64) -> KeyOrder {
        let newest = slots.map(\.newest).max() ?? 0
        let order = KeyOrder(
            time: max(now, newest &+ 1), key: key.id, verb: verb, secret: verb == .remove ? [] : key.bytes)
        _ = obey(order)
        return order
    }

    /// Says which keys there are, and forgets the secrets of removed ones and the oldest keys over the limit.
    private mutating func settle() {
        let used = slots.filter { $0.used != nil }.max { ($0.used ?? 0, $0.id) < ($1.used ?? 0, $1.id) }
        inUse = used?.secret ?? inUse
        let id = inUse.id
        for index in slots.indices where slots[index].isRemoved && slots[index].id != id { slots[index].secret = nil }
        slots.sort { ($0.id == id ? 1 : 0, $0.newest, $0.id) > ($1.id == id ? 1 : 0, $1.newest, $1.id) }
        slots.removeLast(max(0, slots.count - Self.maximumSlots))
        let present = slots.filter { $0.id != id && $0.secret != nil }
        others = present.sorted { ($0.added, $0.id) > ($1.added, $1.id) }.prefix(Self.maximumOthers).compactMap(
            \.secret)
    }
}

/// Why an order about a key is not given.
public enum KeyringFailure: Error, Hashable, Sendable {
    /// There are as many keys as there may be: remove one.
    case full
    /// Another key has to come into use first.
    case keyInUse
    /// No key of this name is installed.
    case unknownKey
}
