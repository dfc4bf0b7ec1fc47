// SPDX-License-Identifier: Apache-2.0

import Cluster
import Identity

/// The newest order about the audience of each stream, and that about all others, until they expire. One that takes another
/// back is kept as long as the other would have counted.
struct SteeringOrders: Sendable {
    private var orders: [StreamID?: SteeringOrder] = [:]
    private(set) var digest: UInt64 = 0

    /// Takes an order that is newer than what is known about its stream; whether it was. One of a clock that is far ahead is
    /// refused: nobody could take it back. Where there are too many the oldest goes, so that all who heard the same hold the
    /// same.
    /// - Parameter time: Unix milliseconds.
    mutating func merge(_ order: SteeringOrder, at time: UInt64) -> Bool {
        guard order.isPlausible(at: time) else { return false }
        if let known = orders[order.stream] {
            guard order.overrides(known) else { return false }
        } else if orders.count >= Self.limit {
            guard let oldest = orders.values.min(by: { Self.precedes($0, $1) }), Self.precedes(oldest, order) else {
                return false
            }
            set(nil, for: oldest.stream)
        }
        set(order, for: order.stream)
        return true
    }

    /// The order as one that follows what is known about its stream, though the clock that gave that is ahead.
    func following(_ order: SteeringOrder) -> SteeringOrder { order.following(orders[order.stream]) }

    /// Forgets what does not count any more; whether there was any.
    mutating func expire(at time: UInt64) -> Bool {
        let old = orders.filter { $0.value.expires <= time }
        for stream in old.keys { set(nil, for: stream) }
        return !old.isEmpty
    }

    /// When the first of them expires, in Unix milliseconds; nil where there is none.
    var expiry: UInt64? { orders.values.map(\.expires).min() }

    /// In the order in which they were given.
    var sorted: [SteeringOrder] {
        orders.values.sorted { Self.precedes($0, $1) }
    }

    private static func precedes(_ one: SteeringOrder, _ other: SteeringOrder) -> Bool {
        (one.time, one.stream?.description ?? "") < (other.time, other.stream?.description ?? "")
    }

    private mutating func set(_ order: SteeringOrder?, for stream: StreamID?) {
        if let known = orders[stream] { digest &-= Self.digest(of: known) }
        orders[stream] = order
        if let order { digest &+= Self.digest(of: order) }
    }

    private static func digest(of order: SteeringOrder) -> UInt64 {
        var mixed = Mixing.finish(order.time) ^ Mixing.number(of: order.stream?.description ?? "")
        mixed = Mixing.finish(mixed ^ order.expires)
        for share in order.shares {
            mixed = Mixing.finish(mixed ^ Mixing.number(of: share.pathway) &+ UInt64(share.percent))
        }
        return mixed
    }

    /// As many as a state may hold.
    private static let limit = WireLimit.steering
}
