// SPDX-License-Identifier: Apache-2.0

/// The newest order about each key of the cluster. They travel as rumours, and in whole states, for a member that misses
/// an installation understands nobody once the key is in use.
struct KeyOrders: Sendable {
    private var orders: [UInt32: KeyOrder] = [:]
    private(set) var digest: UInt64 = 0

    /// Takes an order that is newer than what is known about its key; whether it was. Of two of one moment the later verb
    /// counts, so that all who heard the same hold the same, in whatever order they heard it.
    mutating func merge(_ order: KeyOrder) -> Bool {
        if let known = orders[order.key] {
            guard (order.time, order.verb.rawValue) > (known.time, known.verb.rawValue) else { return false }
            digest &-= Self.digest(of: known)
        } else if orders.count >= Self.limit {
            guard let oldest = orders.values.min(by: { ($0.time, $0.key) < ($1.time, $1.key) }),
                (oldest.time, oldest.key) < (order.time, order.key)
            else { return false }
            orders[oldest.key] = nil
            digest &-= Self.digest(of: oldest)
        }
        orders[order.key] = order
        digest &+= Self.digest(of: order)
        return true
    }

    /// In the order in which they were given.
    var sorted: [KeyOrder] { orders.values.sorted { ($0.time, $0.key) < ($1.time, $1.key) } }

    private static func digest(of order: KeyOrder) -> UInt64 {
        Mixing.finish(order.time ^ Mixing.finish(UInt64(order.key) << 8 | UInt64(order.verb.rawValue)))
    }

    private static let limit = 16
}
