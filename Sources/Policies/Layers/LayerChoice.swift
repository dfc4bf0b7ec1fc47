// SPDX-License-Identifier: Apache-2.0

/// Which of a stream's layers one viewer is sent.
///
/// It gets the largest that the way to it carries. A way that carries less than four fifths of a layer gets a smaller one
/// at once: the estimate of a good way dips by a seventh now and then. A larger one is tried when the way has carried a
/// tenth more than it for two seconds; where that was taken back within ten seconds, the next try waits for ten, and then
/// twice as long each time, up to a minute, so that a way between two layers does not go to and fro. What holds for a
/// minute is forgiven.
public struct LayerChoice: Sendable {
    /// The layer that is to be sent; nil before there is any.
    public private(set) var chosen: UInt8?
    /// The layer that the viewer asks for, which it gets while it is there; nil to be sent what is best.
    public var wish: UInt8?
    /// Since when the way carries the next larger layer; nil where it does not.
    private var affordable: Duration?
    /// When a larger layer was last tried.
    private var raised: Duration?
    private var patience = Self.shortestPatience

    /// A choice not made yet.
    public init() {}

    /// Chooses anew.
    /// - Parameters:
    ///   - offers: the layers that are there, the smallest first.
    ///   - estimate: what the way to the viewer carries, in bits a second; nil where nobody knows, and the largest is sent.
    @discardableResult
    public mutating func choose(among offers: [LayerOffer], estimate: UInt64?, now: Duration) -> UInt8? {
        if let wish, offers.contains(where: { $0.layer == wish }) {
            chosen = wish
        } else if let estimate, let index = offers.firstIndex(where: { $0.layer == chosen }) {
            move(from: index, among: offers, estimate: Double(estimate), now: now)
        } else {
            chosen = Self.largest(of: offers, within: estimate.map { Double($0) } ?? .infinity)?.layer ?? chosen
        }
        return chosen
    }

    /// What the way has to be known to carry, in bits a second, for the next larger layer to be tried, and some; nil where
    /// there is none to try.
    public func goal(among offers: [LayerOffer]) -> UInt64? {
        guard wish == nil, let index = offers.firstIndex(where: { $0.layer == chosen }), index + 1 < offers.count else {
            return nil
        }
        return UInt64(offers[index + 1].bits * (Self.most + 0.1))
    }
}

extension LayerChoice {
    private mutating func move(from index: Int, among offers: [LayerOffer], estimate: Double, now: Duration) {
        if let raised, now - raised > Self.longestPatience {
            self.raised = nil
            patience = Self.shortestPatience
        }
        if index > 0, estimate < offers[index].bits * Self.least {
            if let raised, now - raised < Self.probation {
                patience = min(max(patience * 2, Self.probation), Self.longestPatience)
            }
            (affordable, raised) = (nil, nil)
            chosen = Self.largest(of: Array(offers[..<index]), within: estimate)?.layer
        } else if index + 1 < offers.count, estimate >= offers[index + 1].bits * Self.most {
            let since = affordable ?? now
            affordable = since
            guard now - since >= patience else { return }
            (affordable, raised) = (nil, now)
            chosen = offers[index + 1].layer
        } else {
            affordable = nil
        }
    }

    /// The largest layer of at most so many bits a second, else the smallest.
    private static func largest(of offers: [LayerOffer], within bits: Double) -> LayerOffer? {
        offers.last { $0.bits <= bits } ?? offers.first
    }

    private static let least = 0.8
    private static let most = 1.1
    private static let probation: Duration = .seconds(10)
    private static let shortestPatience: Duration = .seconds(2)
    private static let longestPatience: Duration = .seconds(60)
}

/// A layer that is there.
public struct LayerOffer: Hashable, Sendable {
    /// Its number.
    public let layer: UInt8
    /// What it takes, in bits a second; 0 where that is not known yet.
    public let bitsPerSecond: UInt64

    /// An offer of its parts.
    public init(layer: UInt8, bitsPerSecond: UInt64) {
        self.layer = layer
        self.bitsPerSecond = bitsPerSecond
    }

    fileprivate var bits: Double { Double(bitsPerSecond) }
}
