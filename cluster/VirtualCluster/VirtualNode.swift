// SPDX-License-Identifier: Apache-2.0

public import Cluster
public import Gossip
import TestKit

/// One node of a virtual cluster: the real core, and what is done to it.
public struct VirtualNode: Sendable {
    /// What a node does.
    public enum State: Hashable, Sendable {
        /// Nothing: it was not started, has left, or is dead. Exits: `up`.
        case down
        /// It runs. Exits: `down`, `frozen`.
        case up
        /// Its process is stopped, what comes waits in its sockets. Exits: `up`, `down`.
        case frozen
    }

    /// What it says of itself.
    public internal(set) var description: NodeDescription
    /// Whether it runs.
    public internal(set) var state: State = .down
    /// The core, of its last life where it is down.
    public internal(set) var core: ClusterCore
    /// Counts its lives.
    public internal(set) var life = 0
    /// Bytes of datagrams that it sent, envelopes and headers of IP and UDP included.
    public internal(set) var bytesSent = 0
    /// Bytes that it wrote to streams.
    public internal(set) var streamBytesSent = 0
    /// Unix milliseconds at which this life began.
    var boot: UInt64 = 0
    /// How far its clock is behind.
    var lag: Duration = .zero
    /// When it will be woken.
    var wake: Duration = .never
    /// What waits in its sockets while it is frozen.
    var held: [VirtualEvent] = []
    var link: LinkModel
    /// Which side of a cut it is on.
    var side = 0
}

/// What happens in a virtual cluster.
enum VirtualEvent: Sendable {
    /// A datagram arrives.
    case datagram(GossipDatagram, pool: GossipPool, from: Int, to: Int)
    /// The answer to a question for seeds arrives.
    case seeds(pool: GossipPool, to: Int, life: Int)
    /// A message on a stream arrives.
    case stream(GossipStreamMessage, stream: Int, to: Int)
    /// A timer ends.
    case wake(Int, life: Int)

    var node: Int {
        switch self {
        case .datagram(_, _, _, let to): to
        case .seeds(_, let to, _): to
        case .stream(_, _, let to): to
        case .wake(let node, _): node
        }
    }

    /// A number that says which kind it is, for the hash of all events.
    var kind: UInt64 {
        switch self {
        case .datagram(let datagram, _, let from, _): 1 | UInt64(from) << 8 | UInt64(datagram.rumours.count) << 32
        case .seeds: 2
        case .stream(_, let stream, _): 3 | UInt64(stream) << 8
        case .wake: 4
        }
    }
}

/// A TCP connection between two nodes.
struct VirtualStream: Sendable {
    let pool: GossipPool
    let opener: Int
    let acceptor: Int
    let openerLife: Int
    let acceptorLife: Int
    let openerName: GossipStream
}
