// SPDX-License-Identifier: Apache-2.0

/// What happens to every frame on its way from one region to another.
public struct LinkSettings: Equatable, Sendable {
    /// How long a frame is on its way, before jitter.
    public var delay: Duration
    /// How far the delay strays at most, up or down, evenly. Frames never overtake one another.
    public var jitter: Duration
    /// The share of frames that vanish, 0…1.
    public var loss: Double
    /// Bits a second; 0 for as many as come. What would wait longer than ``longestWait`` for its turn is dropped.
    public var rate: Int

    /// A link of its parts; without any, frames arrive at once and whole.
    public init(delay: Duration = .zero, jitter: Duration = .zero, loss: Double = 0, rate: Int = 0) {
        self.delay = delay
        self.jitter = jitter
        self.loss = loss
        self.rate = rate
    }

    /// The depth of the queue before the line, as time: a router's buffer is about a round trip's worth.
    public static let longestWait: Duration = .milliseconds(200)
}
