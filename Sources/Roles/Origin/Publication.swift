// SPDX-License-Identifier: Apache-2.0

public import Media

/// What a publisher's connection is to its stream: something that can be cut.
public protocol Publisher: AnyObject, Sendable {
    /// Tells the publisher why, in its protocol's words, and closes. May be called from any thread, more than once.
    func cut(_ reason: CutReason)
    /// Asks the publisher to go on at another address, as its protocol writes it, where it can be told so; it goes when
    /// it likes. May be called from any thread.
    func move(to address: String)
    /// Asks the publisher for a random access point of all its pictures, where its protocol has a word for that; not more
    /// often than it likes. May be called from any thread.
    func requestRandomAccess()
}

extension Publisher {
    /// Most protocols have no word for it.
    public func requestRandomAccess() {}
}

/// Why a publisher is cut off.
public enum CutReason: String, Sendable {
    /// This node does not know for too long whether it still has the stream.
    case cutOff = "cut_off"
    /// The node drains, and another has what this one was sent.
    case moved
    /// Video came for too long without a place to join it.
    case noRandomAccessPoint = "no_random_access_point"
    /// The same publisher came back on another connection, or another one was allowed to take over.
    case replaced
    /// The node is going down.
    case shutdown
    /// An operator stopped the stream.
    case stopped
    /// Another node has the stream now.
    case superseded
    /// Too few origins of the cluster agree that this node takes the stream.
    case tooFewOrigins = "too_few_origins"
}

/// Why a publisher is not let in.
public enum PublishRefusal: Error, Sendable, Equatable {
    /// The node is cut off from what other origins reach, and may append nothing.
    case cutOff
    /// Somebody else is publishing under this name.
    case nameIsLive
    /// The node has as many publishers as it may have.
    case tooManyPublishers
    /// The node is going down.
    case shuttingDown
}

/// The right of one connection to feed a stream, until another connection gets it.
public struct Publication: Sendable {
    /// The stream.
    public let stream: LiveStream
    let generation: UInt64

    /// Feeds what one message held.
    /// - Returns: false where the right is over; the connection should close.
    public func publish(_ events: [IngestEvent]) -> Bool { stream.publish(events, generation) }

    /// The connection is gone; the publisher's grace begins, if the right is still this connection's.
    public func leave() { stream.leave(generation) }
}

/// What an ingest makes of its protocol's messages.
public enum IngestEvent: Sendable {
    /// A unit on the publisher's clock.
    case accessUnit(AccessUnit)
    /// What the units of one of several layers are decoded with from here on, and which rendition it is.
    case layer(Track)
    /// What the publisher says of itself: nothing that looks like a key, few and short.
    case metadata([String: String])
    /// What the units of a track are decoded with from here on.
    case parameters(TrackID, ParameterSets)
}
