// SPDX-License-Identifier: Apache-2.0

public import Cluster
public import Identity

/// One datagram between members of a pool, at most 1400 bytes when sealed: a message or none, and rumours in the room
/// that is left.
public struct GossipDatagram: Hashable, Sendable {
    /// Who sends it.
    public let sender: NodeID
    /// What it asks or answers; nil where it only carries rumours.
    public var message: GossipMessage?
    /// News, the most urgent first.
    public var rumours: [Rumour]

    /// A datagram of its parts.
    public init(sender: NodeID, message: GossipMessage? = nil, rumours: [Rumour] = []) {
        self.sender = sender
        self.message = message
        self.rumours = rumours
    }
}

/// The messages of SWIM with Lifeguard's additions.
public enum GossipMessage: Hashable, Sendable {
    /// Answers a ping. Carries the answerer's local health, 0 (well) to 7.
    case ack(sequence: UInt32, localHealth: UInt8)
    /// The load of an edge, straight to a router.
    indirect case load(LoadReport)
    /// The asker's target has not answered yet, but the asked lives (Lifeguard).
    case nack(sequence: UInt32)
    /// Are you there? `target` says who is meant, so that a node which took over an address does not answer for another.
    case ping(sequence: UInt32, target: NodeID)
    /// Ask this one for me.
    case pingRequest(sequence: UInt32, target: NodeID, at: Endpoint)
    /// The store that arbitrates between gateways answered the sender within the last second; straight to other origins.
    case storeAnswered
}

/// Something worth telling on. Rumours are copied into every datagram that carries them, so all that a copy takes is a
/// reference: a description shares its storage, and the rest is indirect.
public enum Rumour: Hashable, Sendable {
    /// A member lives, with this description.
    case alive(NodeDescription, incarnation: UInt64)
    /// A member is gone, says another.
    indirect case dead(NodeID, incarnation: UInt64, accuser: NodeID)
    /// A member went by itself.
    indirect case left(NodeID, incarnation: UInt64)
    /// A key of the cluster is to be installed, used or removed.
    indirect case key(KeyOrder)
    /// What another region is like.
    indirect case region(RegionSummary)
    /// An operator's order about an audience.
    indirect case steering(SteeringOrder)
    /// A stream's entry in the directory.
    indirect case stream(StreamEntry)
    /// A member does not answer, says another.
    indirect case suspect(NodeID, incarnation: UInt64, accuser: NodeID)
}

/// A message over TCP between members of a pool.
public enum GossipStreamMessage: Hashable, Sendable {
    /// Answers `ping`.
    case ack(sequence: UInt32)
    /// What the sender knows, in short: a hash of its members' table and one of its directory. Whoever knows the same
    /// answers the same, and that is the end of it.
    case digest(members: UInt64, directory: UInt64, isJoin: Bool)
    /// Why the receiver can not go on: the text is for a log.
    case refusal(String)
    /// All that the sender knows. Sent in answer to a digest that differs, and answered in kind once. Orders about keys
    /// are in it because a member that a rumour of one missed would soon understand nobody.
    case state(
        members: [Member], streams: [StreamEntry], regions: [RegionSummary], keys: [KeyOrder],
        steering: [SteeringOrder] = [], isAnswer: Bool)
    /// A ping for those whom datagrams do not reach.
    case ping(sequence: UInt32, target: NodeID)
}

/// A change of the cluster's keys, numbered so that the newest order counts.
public struct KeyOrder: Hashable, Sendable {
    /// What to do.
    public enum Verb: UInt8, Hashable, Sendable, CaseIterable {
        /// Open with it from now on.
        case install = 1
        /// Forget it. The key in use can not be removed.
        case remove = 2
        /// Seal with it from now on.
        case use = 3
    }

    /// Unix milliseconds at whoever ordered it; a later order about a key overrides an earlier one.
    public let time: UInt64
    /// Which key: the first four bytes of its SHA-256.
    public let key: UInt32
    /// What to do with it.
    public let verb: Verb
    /// The key itself, 32 bytes, where it is to be installed or used, so that orders may come in any order; empty where
    /// it is to be removed. It travels sealed under the key in use.
    public let secret: [UInt8]

    /// An order of its parts.
    public init(time: UInt64, key: UInt32, verb: Verb, secret: [UInt8]) {
        self.time = time
        self.key = key
        self.verb = verb
        self.secret = secret
    }
}
