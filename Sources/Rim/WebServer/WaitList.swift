// SPDX-License-Identifier: Apache-2.0

/// Exchanges that wait for the same thing, first come first served, linked through themselves: joining and leaving
/// allocate nothing. An exchange is in at most one list.
public final class WaitList {
    /// How many wait.
    public private(set) var count = 0
    private var first: MediaExchange?
    private var last: MediaExchange?

    /// What an exchange holds for the list that it is in.
    struct Links {
        var next: MediaExchange?
        unowned(unsafe) var previous: MediaExchange?
        unowned(unsafe) var list: WaitList?
    }

    /// An empty list.
    public init() {}

    deinit { removeAll() }

    /// Whether nobody waits.
    public var isEmpty: Bool { count == 0 }

    /// Adds an exchange at the end.
    public func append(_ exchange: MediaExchange) {
        precondition(exchange.links.list == nil, "an exchange waits in two lists")
        exchange.links = Links(next: nil, previous: last, list: self)
        if let last { last.links.next = exchange } else { first = exchange }
        last = exchange
        count += 1
    }

    /// Takes the first exchange.
    public func popFirst() -> MediaExchange? {
        guard let exchange = first else { return nil }
        remove(exchange)
        return exchange
    }

    /// Takes an exchange out, if it is in this list; returns whether it was.
    @discardableResult
    public func remove(_ exchange: MediaExchange) -> Bool {
        guard exchange.links.list === self else { return false }
        let (previous, next) = (exchange.links.previous, exchange.links.next)
        exchange.links = Links()
        if let previous { previous.links.next = next } else { first = next }
        if let next { next.links.previous = previous } else { last = previous }
        count -= 1
        return true
    }

    /// Takes an exchange out of whichever list it is in; returns whether it was in one.
    @discardableResult
    public static func leave(_ exchange: MediaExchange) -> Bool { exchange.links.list?.remove(exchange) ?? false }

    /// Takes all out.
    public func removeAll() { while popFirst() != nil {} }
}
