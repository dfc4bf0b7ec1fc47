// SPDX-License-Identifier: Apache-2.0

public import Cluster
public import Fanout
public import Identity
import Synchronization
import Transport

/// The streams that are made of plain RTP. Any thread may call.
public final class StreamDesk: Sendable {
    private let desk: FanoutDesk
    private let streams = Mutex<[StreamID: Entry]>([:])

    private struct Entry {
        let feed: StreamFeed
        let sessions: [(status: SessionStatus, isNew: Bool)]
    }

    /// The streams of a desk's sessions; none yet.
    public init(_ desk: FanoutDesk) { self.desk = desk }

    /// Where packets are to be sent.
    public var port: UInt16 { desk.port }

    /// Makes a stream of sessions: those that there are, by their sources, and new ones.
    /// - Parameters:
    ///   - source: where the packets of new ones come from; port 0 and an address of zeros leave it open to the first.
    ///   - door: where it is published.
    /// - Returns: the session of each medium of the offer.
    public func begin(
        _ stream: StreamID, _ offer: StreamOffer, from source: Endpoint, door: any StreamDoor
    ) throws(StreamRefusal) -> [SessionStatus] {
        let result = streams.withLock { streams -> Result<[SessionStatus], StreamRefusal> in
            forgetWhatIsOver(&streams)
            guard streams[stream] == nil else { return .failure(.nameIsTaken) }
            let feed = StreamFeed(offer, door: door, now: SystemClock.now())
            switch feed.open() {
            case .nameIsTaken: return .failure(.nameIsTaken)
            case .open: break
            case .refused(let reason): return .failure(.unavailable(reason))
            }
            do throws(SessionFailure) {
                let sessions = try desk.feed(offer.lines, from: source, feed)
                streams[stream] = Entry(feed: feed, sessions: sessions)
                return .success(sessions.map(\.status))
            } catch {
                feed.end()
                return .failure(.session(error))
            }
        }
        return try result.get()
    }

    /// Ends a stream, and the sessions that began for it. Returns whether there was one.
    public func end(_ stream: StreamID) -> Bool {
        guard let entry = streams.withLock({ $0.removeValue(forKey: stream) }) else { return false }
        desk.unfeed(entry.sessions)
        return true
    }
}

extension StreamDesk {
    /// Streams that were stopped, or of which a session has ended.
    private func forgetWhatIsOver(_ streams: inout [StreamID: Entry]) {
        for (stream, entry) in streams where entry.feed.isOver {
            desk.unfeed(entry.sessions)
            streams[stream] = nil
        }
    }
}

/// Why no stream is made of sessions.
public enum StreamRefusal: Error, Hashable, Sendable {
    /// Somebody publishes under this name.
    case nameIsTaken
    /// A session can not be had.
    case session(SessionFailure)
    /// The node takes no publishers at the moment, for this reason.
    case unavailable(String)
}
