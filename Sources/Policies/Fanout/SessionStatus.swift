// SPDX-License-Identifier: Apache-2.0

public import Cluster
public import Media

/// The number of a session on its node; later ones are higher, none comes twice.
public typealias SessionNumber = UInt64

/// What a session carries, as its creator said.
public enum MediaType: String, Hashable, Sendable, CaseIterable {
    /// Sound: each packet goes on at once.
    case audio
    /// Pictures: the packets of a picture go on together.
    case video
    /// Anything else: as with pictures.
    case data
}

/// What is told of a session.
public struct SessionStatus: Hashable, Sendable {
    /// Its name.
    public let id: SessionID
    /// Its number on this node.
    public let number: SessionNumber
    /// Where packets come from, as its creator said.
    public let source: Endpoint
    /// The synchronization source of its packets.
    public let ssrc: UInt32
    /// What it carries.
    public let mediaType: MediaType
    /// Subscribers, the asked ones too.
    public var subscriberCount: Int
    /// When it began.
    public let createdAt: WallTime
    /// When it began, as monotonic time.
    public let began: Duration
}

/// A session in the table, or the branch of one.
struct SessionEntry: Sendable {
    let id: SessionID
    let number: SessionNumber
    let began: Duration
    /// What its creator said; nil for a branch, of which the home knows.
    let creation: Creation?
    var subscribers: [Endpoint: Subscriber] = [:]
    /// Whether a subscriber was ever asked.
    var asks = false

    struct Creation: Sendable {
        let source: Endpoint
        let ssrc: UInt32
        let mediaType: MediaType
        let createdAt: WallTime
    }

    /// Nil for a branch.
    var status: SessionStatus? { creation.map { SessionStatus(self, $0) } }
}

extension SessionStatus {
    init(_ entry: SessionEntry, _ creation: SessionEntry.Creation) {
        self.init(
            id: entry.id, number: entry.number, source: creation.source, ssrc: creation.ssrc,
            mediaType: creation.mediaType, subscriberCount: entry.subscribers.count, createdAt: creation.createdAt,
            began: entry.began)
    }
}
