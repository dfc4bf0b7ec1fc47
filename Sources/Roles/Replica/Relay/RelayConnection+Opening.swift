// SPDX-License-Identifier: Apache-2.0

import Cluster
import Identity
import NIOCore
import NIOPosix
import Relay
import Transport

extension RelayConnection {
    /// Opens a connection to a node, which must be the one that is expected there. `party` is told of its end also where it
    /// can not be opened.
    /// - Parameter holding: bytes that wait in the connection before it takes no more.
    static func open(
        to parent: RelayParent, by identity: RelayIdentity, on eventLoop: any EventLoop, metrics: RelayMetrics,
        holding: Int = 64 * 1024, for party: any RelayParty
    ) {
        let session = RelayLinkSession(
            identity.hello, expecting: parent.node, settings: identity.settings, now: SystemClock.now())
        let connection = RelayConnection(
            session, silenceTimeout: identity.settings.silenceTimeout, eventLoop: eventLoop, metrics: metrics,
            now: { SystemClock.now() })
        connection.party = party
        let bound = NIOLoopBound(connection, eventLoop: eventLoop)
        let ours = NIOLoopBound(party, eventLoop: eventLoop)
        ClientBootstrap(group: eventLoop)
            .connectTimeout(.seconds(2))
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.writeBufferWaterMark, value: .init(low: holding / 2, high: holding))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try identity.secure(channel, parent.node)
                    try channel.pipeline.syncOperations.addHandler(bound.value)
                }
            }
            .connect(host: "\(parent.endpoint.address)", port: Int(parent.endpoint.port))
            .whenComplete { result in
                if case .failure = result { ours.value.closed() }
            }
    }
}
