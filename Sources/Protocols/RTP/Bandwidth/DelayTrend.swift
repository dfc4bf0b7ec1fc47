// SPDX-License-Identifier: Apache-2.0

/// Whether a way's queue grows, from when packets were sent and when they came: draft-ietf-rmcat-gcc-02 §5.2 to §5.4 with
/// the line through the delays that libwebrtc uses for the filter.
struct DelayTrend: Sendable {
    enum State: Hashable, Sendable {
        case normal
        case overuse
        case underuse
    }

    private(set) var state = State.normal
    private var group: (sent: Duration, lastSent: Duration, arrival: Duration)?
    private var before: (sent: Duration, arrival: Duration)?
    private var first: Duration?
    /// Milliseconds.
    private var delay = 0.0
    private var smoothed = 0.0
    private var points: [(x: Double, y: Double)] = []
    private var count = 0
    private var threshold = 12.5
    private var updated: Duration?
    private var overusing: Duration?
    private var lastTrend = 0.0

    /// Takes a packet that arrived. Packets that were sent within 5 ms are one group (§5.2).
    mutating func receive(sent: Duration, arrival: Duration) {
        guard var current = group else {
            group = (sent, sent, arrival)
            return
        }
        guard sent >= current.sent else { return }
        if sent - current.sent <= Self.burst {
            current.lastSent = max(current.lastSent, sent)
            current.arrival = max(current.arrival, arrival)
            group = current
            return
        }
        if let before {
            let variation = (current.arrival - before.arrival) - (current.lastSent - before.sent)
            update(Self.milliseconds(variation), at: current.arrival)
        }
        before = (current.lastSent, current.arrival)
        group = (sent, sent, arrival)
    }

    private mutating func update(_ variation: Double, at arrival: Duration) {
        let start = first ?? arrival
        first = start
        // A pause or a jump of the viewer's clock says nothing on the queue.
        guard abs(variation) < 3000 else { return reset() }
        count = min(count + 1, 60)
        delay += variation
        smoothed = Self.smoothing * smoothed + (1 - Self.smoothing) * delay
        points.append((Self.milliseconds(arrival - start), smoothed))
        if points.count > Self.window { points.removeFirst() }
        guard points.count == Self.window else { return }
        detect(slope() * Double(count) * Self.gain, at: arrival)
    }

    private mutating func reset() {
        points.removeAll(keepingCapacity: true)
        (delay, smoothed, count, state, overusing) = (0, 0, 0, .normal, nil)
    }

    private func slope() -> Double {
        let meanX = points.reduce(0) { $0 + $1.x } / Double(points.count)
        let meanY = points.reduce(0) { $0 + $1.y } / Double(points.count)
        let above = points.reduce(0) { $0 + ($1.x - meanX) * ($1.y - meanY) }
        let below = points.reduce(0) { $0 + ($1.x - meanX) * ($1.x - meanX) }
        return below == 0 ? 0 : above / below
    }

    /// §5.4: overuse is a trend above the threshold for 10 ms that does not fall.
    private mutating func detect(_ trend: Double, at arrival: Duration) {
        if trend > threshold {
            let since = overusing ?? arrival
            overusing = since
            if arrival - since >= Self.patience, trend >= lastTrend { state = .overuse }
        } else {
            overusing = nil
            state = trend < -threshold ? .underuse : .normal
        }
        lastTrend = trend
        adaptThreshold(trend, at: arrival)
    }

    /// The threshold follows the trend, upwards faster than downwards, so that another flow's queue does not starve us.
    private mutating func adaptThreshold(_ trend: Double, at arrival: Duration) {
        let elapsed = Self.milliseconds(min(arrival - (updated ?? arrival), .milliseconds(100)))
        updated = arrival
        guard abs(trend) <= threshold + 15 else { return }
        let gain = abs(trend) < threshold ? 0.039 : 0.0087
        threshold = min(600, max(6, threshold + gain * (abs(trend) - threshold) * elapsed))
    }

    private static func milliseconds(_ duration: Duration) -> Double { duration / .milliseconds(1) }

    private static let burst: Duration = .milliseconds(5)
    private static let patience: Duration = .milliseconds(10)
    private static let smoothing = 0.9
    private static let window = 20
    private static let gain = 4.0
}
