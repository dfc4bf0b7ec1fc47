// SPDX-License-Identifier: Apache-2.0

/// What a link does to datagrams: how late they come, which do not, and which come twice. Chance is handed in, so the
/// same seed does the same.
public struct LinkModel: Sendable {
    /// The link as it is now; may change while datagrams are under way.
    public var settings: LinkSettings
    private var isInBurst = false
    private var freeAt: Duration = .zero

    /// A link of its settings.
    public init(_ settings: LinkSettings = LinkSettings()) { self.settings = settings }

    /// When a datagram of `bytes` that is sent now arrives: nil where it is lost, a second time where it is doubled.
    public mutating func send(
        bytes: Int, now: Duration, using random: inout some RandomNumberGenerator
    ) -> (first: Duration?, second: Duration?) {
        guard !isLost(using: &random) else { return (nil, nil) }
        var departure = now
        if settings.rate > 0 {
            departure = max(now, freeAt)
            guard departure - now <= settings.longestQueue else { return (nil, nil) }
            departure += .nanoseconds(Int64(bytes) * 1_000_000_000 / Int64(settings.rate))
            freeAt = departure
        }
        let first = departure + delay(using: &random)
        guard settings.duplication > 0, Self.chance(settings.duplication, using: &random) else { return (first, nil) }
        return (first, departure + delay(using: &random))
    }

    /// How long one datagram is under way: the shortest delay, and jitter in whose tail few are.
    public func delay(using random: inout some RandomNumberGenerator) -> Duration {
        var delay = settings.delay
        if settings.jitter > .zero {
            let share = Int64(random.next() >> 54) * Int64(random.next() >> 54)
            delay += settings.jitter * share / (1 << 20)
        }
        if settings.reordering > 0, Self.chance(settings.reordering, using: &random) { delay += settings.reorderDelay }
        return delay
    }

    /// Gilbert's two states: in a burst all is lost, outside of one some.
    private mutating func isLost(using random: inout some RandomNumberGenerator) -> Bool {
        if settings.burstBegin > 0 {
            let change = isInBurst ? settings.burstEnd : settings.burstBegin
            if Self.chance(change, using: &random) { isInBurst.toggle() }
            if isInBurst { return true }
        }
        return settings.loss > 0 && Self.chance(settings.loss, using: &random)
    }

    /// Whether something of this probability happens.
    public static func chance(_ probability: Double, using random: inout some RandomNumberGenerator) -> Bool {
        Double(random.next() >> 11) < probability * 0x1p53
    }
}

/// A link's properties. All probabilities are per datagram.
public struct LinkSettings: Hashable, Sendable {
    /// The shortest time under way.
    public var delay: Duration = .microseconds(200)
    /// How much longer it may take; a quarter of that on average.
    public var jitter: Duration = .microseconds(800)
    /// How many are lost, 0 to 1.
    public var loss = 0.0
    /// How likely a burst begins in which all are lost.
    public var burstBegin = 0.0
    /// How likely a burst ends.
    public var burstEnd = 0.2
    /// How many come twice.
    public var duplication = 0.0
    /// How many are held back by `reorderDelay`, behind later ones.
    public var reordering = 0.0
    /// How long those are held back.
    public var reorderDelay: Duration = .milliseconds(5)
    /// Bytes a second; 0 for no limit.
    public var rate = 0
    /// What would wait longer for its turn is lost.
    public var longestQueue: Duration = .milliseconds(100)

    /// A good link within one data centre.
    public init() {}

    /// The same with `loss`.
    public static func losing(_ loss: Double) -> LinkSettings {
        var settings = LinkSettings()
        settings.loss = loss
        return settings
    }
}
