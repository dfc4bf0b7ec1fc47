// SPDX-License-Identifier: Apache-2.0

/// What the way to one viewer carries: enough to choose the layer it is sent.
///
/// A plain form of Google's congestion control (draft-ietf-rmcat-gcc-02). Growing delay cuts the estimate to 0.85 of
/// what arrives (§5.5); more than a tenth lost cuts it by half of the loss (§6); else it grows by 8 % a second, near
/// where it was last cut by one packet a round trip. *Departure*: it may grow to four times what arrives, or to `goal`, not
/// to one and a half: no padding probes for a higher layer, so the layer itself is the probe, and growing delay takes it
/// back.
/// A viewer that sends no transport feedback but its own estimate (REMB) is believed where that falls; until then the
/// estimate grows here beyond it, to `goal`, for the same reason.
public struct BandwidthEstimator: Sendable {
    /// Bits a second.
    public var bitsPerSecond: UInt64 { UInt64(min(rate, ceiling ?? rate)) }
    /// How much it is of use to know of, in bits a second: what the next larger layer takes, and some.
    public var goal: UInt64 = 0

    private var rate: Double
    /// What the viewer itself estimates.
    private var ceiling: Double?
    private var history = SendHistory()
    private var trend = DelayTrend()
    private var acknowledged = ArrivalRate()
    private var loss = LossRate()
    private var hasFeedback = false
    /// When the estimate last grew or was cut.
    private var changed: Duration?
    /// Where it was last cut for delay.
    private var limit: Double?
    /// What is sent; of use where the viewer sends no feedback.
    private var sending = ArrivalRate()
    private var told = ViewerEstimate()
    /// When the viewer last told its own estimate.
    private var heard: Duration?
    /// When a report last told of heavy loss.
    private var lossy: Duration?

    /// An estimate for a way of which nothing is known.
    public init(bitsPerSecond: UInt64 = 1_000_000) { rate = Double(bitsPerSecond) }

    /// Notes a packet by its transport-wide number; nil for one without.
    public mutating func sent(_ number: UInt16?, bytes: Int, now: Duration) {
        if let number { history.append(number, bytes: bytes, now: now) }
        sending.count(bytes: bytes, arrival: now)
    }

    /// Takes feedback on when packets arrived.
    public mutating func receive(_ feedback: TransportFeedback, now: Duration) {
        hasFeedback = true
        var arrival = history.arrival(feedback.reference)
        for (offset, delta) in feedback.deltas.enumerated() {
            let number = feedback.base &+ UInt16(truncatingIfNeeded: offset)
            if let delta { arrival += TransportFeedback.deltaUnit * Int(delta) }
            guard let packet = history.remove(number) else { continue }
            loss.count(isLost: delta == nil, now: now)
            guard delta != nil else { continue }
            acknowledged.count(bytes: packet.bytes, arrival: arrival)
            trend.receive(sent: packet.sent, arrival: arrival)
        }
        adapt(now: now)
    }

    /// Takes the viewer's own estimate.
    public mutating func receive(_ estimate: UInt64, now: Duration) {
        let value = Double(min(estimate, 1_000_000_000))
        let isFull = told.isFull(value, sending: sending.bitsPerSecond, now: now)
        let elapsed = heard.map { min(now - $0, .seconds(1)) / .seconds(1) } ?? 0
        heard = now
        if hasFeedback {
            ceiling = value
        } else if isFull {
            rate = max(Self.lowest, value)
        } else if let lossy, now - lossy < Self.lossPause {
            rate = max(Self.lowest, min(rate, value))
        } else {
            rate = max(rate, value, min(rate * (1 + Self.growth * elapsed), Double(goal)))
        }
    }

    /// Takes the loss that a receiver report tells, in 256ths; it counts only where no transport feedback comes.
    public mutating func receive(loss fraction: UInt8, now: Duration) {
        guard !hasFeedback, fraction > 25 else { return }
        lossy = now
        rate = max(Self.lowest, rate * (1 - Double(fraction) / 512))
    }

    private mutating func adapt(now: Duration) {
        guard let changed else {
            self.changed = now
            return
        }
        let elapsed = min(now - changed, .seconds(1)) / .seconds(1)
        if trend.state == .overuse {
            guard elapsed > Self.shortestPause, let arriving = acknowledged.bitsPerSecond else { return }
            limit = arriving
            set(min(rate, arriving * Self.decrease), now: now)
        } else if let lost = loss.value, lost > 0.1 {
            guard elapsed > Self.shortestPause else { return }
            set(rate * (1 - lost / 2), now: now)
        } else if trend.state == .normal, loss.value ?? 0 < 0.02 {
            grow(elapsed, now: now)
        } else {
            self.changed = now
        }
    }

    private mutating func grow(_ elapsed: Double, now: Duration) {
        var next = rate * (1 + Self.growth * elapsed)
        if let limit {
            if (limit * 0.9...limit * 1.1).contains(rate) { next = rate + Self.additive * elapsed }
            if rate > limit * 1.5 { self.limit = nil }
        }
        let most = acknowledged.bitsPerSecond.map { max($0 * 4 + Self.lowest, Double(goal)) } ?? next
        set(min(next, max(rate, most)), now: now)
    }

    private mutating func set(_ value: Double, now: Duration) {
        rate = min(max(value, Self.lowest), Self.highest)
        changed = now
    }

    private static let lowest = 50_000.0
    private static let highest = 100_000_000.0
    private static let decrease = 0.85
    /// A second.
    private static let growth = 0.08
    /// For so long a viewer that lost much is not thought to get more: it reports once a second.
    private static let lossPause: Duration = .seconds(3)
    /// Seconds between two cuts: what was sent before the first must have been heard of.
    private static let shortestPause = 0.2
    /// Bits a second: a packet of 1200 bytes a round trip of 200 ms.
    private static let additive = 48_000.0
}
