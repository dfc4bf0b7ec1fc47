// SPDX-License-Identifier: Apache-2.0

public import Identity

/// What a node has promised to whoever takes a term of a stream: of lower ones it acknowledges nothing, and lists nothing
/// (docs/decisions/0020).
///
/// The taker goes on from what was listed when it was promised, so it begins soon or asks again. One that died, or that
/// too few promised, does neither, and the promise to list nothing is then over: a living gateway goes on meanwhile, which
/// may never hear of it. The promise to acknowledge nothing is kept until a higher term comes.
public struct TermPromise: Hashable, Sendable {
    /// The lowest term of which anything is acknowledged.
    public private(set) var term: Term
    /// When it was given last.
    public private(set) var madeAt: Duration

    /// A promise that is given now.
    public init(_ term: Term, now: Duration) {
        self.term = term
        madeAt = now
    }

    /// Promises another term: a lower one changes nothing, and the same begins anew.
    public mutating func raise(to other: Term, now: Duration) {
        if other >= term { self = TermPromise(other, now: now) }
    }

    /// Whether records of a term may be acknowledged.
    public func admitsAcknowledging(_ other: Term) -> Bool { other >= term }

    /// Whether parts that were committed in a term may be listed.
    /// - Parameter newest: the newest term of which anything is held. Where that is the promised one, it has begun.
    public func admitsListing(_ other: Term, holding newest: Term, now: Duration) -> Bool {
        other >= term || newest < term && now - madeAt >= Self.life
    }

    /// How long nothing of lower terms is listed.
    public static let life: Duration = .seconds(10)
    /// How long the taker relies on that. The rest is for what it begins with to get here.
    static let use: Duration = .seconds(8)
}
