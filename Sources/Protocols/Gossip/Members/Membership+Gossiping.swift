// SPDX-License-Identifier: Apache-2.0

import Cluster
import Identity

/// Telling news, and filling datagrams with them.
extension Membership {
    /// Tells a few at random what there is to tell, the recently dead among them. Where news crowd, as when a whole cluster
    /// starts, it is told more often: each of it as many times as ever, only sooner.
    mutating func gossip(
        now: Duration, using random: inout some RandomNumberGenerator, into directives: inout [Directive]
    ) {
        lastGossip = now
        dropLongDead(now: now)
        if table.live.isEmpty, recentlyDead.isEmpty { queue.removeAll() }
        for place in pickListeners(using: &random) where !queue.isEmpty {
            send(nil, to: table[place].description.gossip, into: &directives)
        }
        nextGossip =
            queue.isEmpty ? .never : now + (queue.isCrowded ? settings.gossipInterval / 4 : settings.gossipInterval)
    }

    /// Sends a message, or none, with as many news as have room beside it.
    /// - Parameter first: what goes before all other news and does not count as told.
    mutating func send(
        _ message: GossipMessage?, to endpoint: Endpoint, telling first: Rumour? = nil,
        into directives: inout [Directive]
    ) {
        var room = Self.largestDatagram - GossipDatagram.overhead(sender: own.id) - (message?.encodedSize ?? 0)
        var datagram = GossipDatagram(sender: own.id, message: message)
        if let first {
            datagram.rumours.append(first)
            room -= first.encodedSize
        }
        queue.take(room: room, most: Self.mostRumours, limit: transmitLimit, into: &datagram.rumours)
        directives.append(.send(datagram, to: endpoint))
    }

    /// Up to `count` live members at random, each once.
    func pick(_ count: Int, but excluded: Int, using random: inout some RandomNumberGenerator) -> [Int] {
        let live = table.live
        let isListed = table.records[excluded].livePosition >= 0
        let wanted = min(count, live.count - (isListed ? 1 : 0))
        var picked: [Int] = []
        while picked.count < wanted {
            let place = live[Int.random(in: 0..<live.count, using: &random)]
            if place != excluded, !picked.contains(place) { picked.append(place) }
        }
        return picked
    }

    private func pickListeners(using random: inout some RandomNumberGenerator) -> [Int] {
        let live = table.live
        let count = live.count + recentlyDead.count
        let wanted = min(settings.gossipFanout, count)
        var picked: [Int] = []
        for _ in 0..<4 * wanted where picked.count < wanted {
            let index = Int.random(in: 0..<count, using: &random)
            let place = index < live.count ? live[index] : recentlyDead[index - live.count]
            if !picked.contains(place) { picked.append(place) }
        }
        return picked
    }

    /// Those who have been dead for long are told nothing any more. The list is ordered by time.
    private mutating func dropLongDead(now: Duration) {
        let old = recentlyDead.prefix { table.records[$0].changed + settings.gossipToTheDead <= now }
        recentlyDead.removeFirst(old.count)
    }

    /// A sealed datagram in bytes, which fits any path with IPv4 and most with IPv6 unfragmented.
    public static let largestDatagram = 1400
    private static let mostRumours = 255
}
