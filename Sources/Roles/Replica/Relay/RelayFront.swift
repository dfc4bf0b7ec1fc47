// SPDX-License-Identifier: Apache-2.0

public import Identity
public import NIOCore
public import Relay
import Synchronization
public import Transport

/// The door at which other nodes subscribe to what this node holds: origins, shields and edges all have it.
public final class RelayFront: Sendable {
    let identity: RelayIdentity
    let replicas: ReplicaTable
    let doorkeeper: any RelayDoorkeeper
    let source: (any StreamSource)?
    let metrics: RelayMetrics
    private let carrying = Mutex<(any BranchCarrier)?>(nil)

    /// A door over the node's replicas.
    /// - Parameter source: where streams come from that the node does not hold; nil where it only serves its own.
    public init(
        identity: RelayIdentity, replicas: ReplicaTable, doorkeeper: any RelayDoorkeeper, source: (any StreamSource)?,
        metrics: RelayMetrics
    ) {
        self.identity = identity
        self.replicas = replicas
        self.doorkeeper = doorkeeper
        self.source = source
        self.metrics = metrics
    }

    /// Who carries branches of others' sessions of plain RTP; none at first.
    public var carrier: (any BranchCarrier)? {
        get { carrying.withLock { $0 } }
        set { carrying.withLock { $0 = newValue } }
    }

    /// Sets up a connection that came, for a ``TCPListener``.
    public func accept(_ channel: any Channel, _ peer: PeerAddress) throws {
        let link = RelayLinkSession(identity.hello, settings: identity.settings, now: SystemClock.now())
        let connection = RelayConnection(
            link, silenceTimeout: identity.settings.silenceTimeout, eventLoop: channel.eventLoop, metrics: metrics,
            now: { SystemClock.now() })
        let host = RelayHost(self, connection, from: peer)
        connection.party = host
        connection.kept = host
        try identity.secure(channel, nil)
        try channel.pipeline.syncOperations.addHandler(connection)
    }
}

/// Brings streams that a node does not hold.
public protocol StreamSource: Sendable {
    /// A replica of the stream that fills as records come; nil where nobody is known to publish it. Any thread may ask.
    /// - Parameter via: the nodes that wait for it below this one.
    func replica(of stream: StreamID, via: [NodeTag]) -> StreamReplica?
}
