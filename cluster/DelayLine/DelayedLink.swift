// SPDX-License-Identifier: Apache-2.0

import DequeModule

/// One direction between two regions: frames go in, and come out when they are due, in order.
public struct DelayedLink<Frame> {
    /// May be changed at any time; frames that are under way keep their time.
    public var settings: LinkSettings

    private var underWay: Deque<(due: Duration, frame: Frame)> = []
    /// When the line has sent the last bit of what it took so far.
    private var lineFree: Duration = .zero

    /// An empty link.
    public init(_ settings: LinkSettings) { self.settings = settings }

    /// Takes a frame of `bytes` bytes, unless it is lost or the queue is full.
    public mutating func send(
        _ frame: Frame, bytes: Int, now: Duration, using random: inout some RandomNumberGenerator
    ) {
        if settings.loss > 0, Double.random(in: 0..<1, using: &random) < settings.loss { return }
        var sent = now
        if settings.rate > 0 {
            let begins = max(now, lineFree)
            guard begins - now <= LinkSettings.longestWait else { return }
            lineFree = begins + .nanoseconds(Int64(bytes) * 8_000_000_000 / Int64(settings.rate))
            sent = lineFree
        }
        underWay.append((max(sent + delay(using: &random), underWay.last?.due ?? .zero), frame))
    }

    /// The next frame that has arrived by `now`.
    public mutating func receive(now: Duration) -> Frame? {
        guard let first = underWay.first, first.due <= now else { return nil }
        return underWay.removeFirst().frame
    }

    /// When the next frame arrives.
    public var nextDeadline: Duration? { underWay.first?.due }

    private func delay(using random: inout some RandomNumberGenerator) -> Duration {
        guard settings.jitter > .zero else { return settings.delay }
        return max(.zero, settings.delay + settings.jitter * Double.random(in: -1...1, using: &random))
    }
}
