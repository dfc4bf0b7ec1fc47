// SPDX-License-Identifier: Apache-2.0

public import RTMP

/// Who takes publishers and players that come by RTMP; a role that the node does not have is nil.
public struct RTMPDoors: Sendable {
    private let publishers: (any RTMPPublishDoor)?
    private let players: (any RTMPPlayDoor)?

    /// The doors of a node's roles.
    public init(publishers: (any RTMPPublishDoor)?, players: (any RTMPPlayDoor)?) {
        self.publishers = publishers
        self.players = players
    }

    func publish(
        _ request: PublishRequest, on connection: RTMPConnection
    ) -> Result<any RTMPIntake, RTMPRefusal> {
        publishers?.publish(request, on: connection) ?? .failure(RTMPRefusal(.denied("This node takes no publishers.")))
    }

    func play(_ request: PlayRequest, on connection: RTMPConnection) -> Result<any RTMPPlayer, RTMPRefusal> {
        players?.play(request, on: connection) ?? .failure(RTMPRefusal(.notFound("This node serves no viewers.")))
    }
}

/// Takes publishers in.
public protocol RTMPPublishDoor: Sendable {
    /// Decides at once, on the connection's loop.
    func publish(_ request: PublishRequest, on connection: RTMPConnection) -> Result<any RTMPIntake, RTMPRefusal>
}

/// Lets players in.
public protocol RTMPPlayDoor: Sendable {
    /// Decides at once, on the connection's loop.
    func play(_ request: PlayRequest, on connection: RTMPConnection) -> Result<any RTMPPlayer, RTMPRefusal>
}

/// Where a publisher's messages go.
public protocol RTMPIntake: AnyObject {
    /// Takes one message. Returns whether more is wanted.
    func take(_ message: MediaMessage) throws(RTMPFailure) -> Bool
    /// The publisher ended its stream, or its connection is gone. Called once.
    func leave()
}

/// Who sends a player its media.
public protocol RTMPPlayer: AnyObject {
    /// The connection takes more, also for the first time.
    func writable()
    /// The player wants no more, or is gone. Called once.
    func leave()
}

/// A refusal as an error.
public struct RTMPRefusal: Error {
    /// What the peer is told.
    public let reason: RefusalReason

    /// A refusal of `reason`.
    public init(_ reason: RefusalReason) { self.reason = reason }
}
