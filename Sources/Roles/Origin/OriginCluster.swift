// SPDX-License-Identifier: Apache-2.0

public import Feed
public import Identity
import Media
public import Replica
import Synchronization
import Transport

/// What an origin asks of, and tells, its cluster. Any thread may call.
public protocol OriginCluster: Sendable {
    /// Whether this process was running all the time; nil where nobody could have replaced it.
    var pulse: GatewayPulse? { get }
    /// Whether another node may go on with the streams of this one, or hold them until this one is there again.
    var hasOthers: Bool { get }
    /// What the cluster knows of a stream that another node has, or this node had in an earlier life.
    func known(_ stream: StreamID) -> KnownStream?
    /// Takes a term for a stream; calls `done` once, on any thread.
    func take(_ stream: LiveStream, for purpose: TermPurpose, done: @escaping @Sendable (TermOutcome) -> Void)
    /// A stream began or ended, or its publisher went or came.
    func changed(_ stream: LiveStream)
    /// A stream writes nothing because the node lost time: somebody is to find out whether it still has the term.
    func fenced(_ stream: LiveStream)
    /// A stream ended here.
    func ended(_ stream: LiveStream)
    /// Another node has the stream: what is held of it is a subscriber's from now on.
    func gaveUp(_ stream: LiveStream)
}

/// What a cluster knows of a stream.
public struct KnownStream: Hashable, Sendable {
    /// The highest term known.
    public let term: Term
    /// The first half of its publisher's identity; nil where the stream is over.
    public let publisher: UInt64?

    /// Knowledge of its parts.
    public init(term: Term, publisher: UInt64?) {
        self.term = term
        self.publisher = publisher
    }
}

/// Why a term is taken.
public enum TermPurpose: Hashable, Sendable {
    /// The publisher did not come back: only to append the end.
    case ending
    /// A publisher is here.
    case publishing
}

/// What came of taking a term.
public enum TermOutcome: Sendable {
    /// Somebody else has the stream, or too few agree.
    case lost(CutReason)
    /// It is taken, and all of it is written with this version of the byte writer; the number is the highest that anybody
    /// listed, where somebody did.
    case taken(Term, packaging: UInt8, listed: MediaSequenceNumber?)
}

/// An origin alone: every term is its own at once.
public final class LoneOrigin: OriginCluster {
    private let random = Mutex(SystemRandomNumberGenerator())
    private let packaging: UInt8

    /// An origin that knows of no other.
    /// - Parameter packaging: the version of the byte writer for all that it writes.
    public init(packaging: UInt8) { self.packaging = packaging }

    /// Nobody could replace this node.
    public var pulse: GatewayPulse? { nil }

    /// Nobody is there.
    public var hasOthers: Bool { false }

    /// Nothing.
    public func known(_ stream: StreamID) -> KnownStream? { nil }

    /// Takes it at once.
    public func take(_ stream: LiveStream, for purpose: TermPurpose, done: @escaping @Sendable (TermOutcome) -> Void) {
        let now = SystemClock.wall().milliseconds.magnitude
        let term = random.withLock { Term.taken(above: stream.term, now: now, using: &$0) }
        done(.taken(term, packaging: packaging, listed: nil))
    }

    /// Nobody is told.
    public func changed(_ stream: LiveStream) {}
    /// Never happens.
    public func fenced(_ stream: LiveStream) {}
    /// Nobody is told.
    public func ended(_ stream: LiveStream) {}
    /// Never happens.
    public func gaveUp(_ stream: LiveStream) {}
}
