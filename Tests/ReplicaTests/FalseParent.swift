// SPDX-License-Identifier: Apache-2.0

import Cluster
import Feed
import Identity
import Media
import NIOCore
import Relay
import Replica
import TestKit
import Testing
import Transport

/// A node that serves a stream with hashes that are not those of its segments.
final class FalseParent: Sendable {
    private let listener: TCPListener
    private let name: NodeID

    static func start() async throws -> FalseParent {
        let name = try #require(NodeID(parsing: "liar"))
        let hello = RelayHello(cluster: NodeTag.hash("test"), node: name, incarnation: 1)
        let records = try Self.records()
        let listener = try await TCPListener.bind(
            TCPListenerSettings(host: "127.0.0.1", port: 0), on: RelayedNode.group, observer: NoObserver()
        ) { channel, _ in
            try channel.pipeline.syncOperations.addHandler(FalseParentHandler(hello, records))
        }
        return FalseParent(listener, name)
    }

    private init(_ listener: TCPListener, _ name: NodeID) {
        self.listener = listener
        self.name = name
    }

    var asParent: RelayParent {
        get throws {
            let port = try #require(listener.address.port)
            return RelayParent(
                node: name, endpoint: Endpoint(address: .v4(0x7F00_0001), port: UInt16(truncatingIfNeeded: port)))
        }
    }

    func stop() async { await listener.stop(within: .milliseconds(100)) }

    private static func records() throws -> [FeedRecord] {
        let kind = SyntheticMedia()
        var clock = ManualClock()
        let settings = SequencerSettings(segmentTarget: .seconds(1), partTarget: .milliseconds(200))
        var sequencer = Sequencer(settings: settings, term: GatewayFeed.term, firstMSN: 10)
        var records: [FeedRecord] = []
        for track in kind.tracks {
            sequencer.parameters(kind.parameters(track), for: track, now: .zero, wall: clock.wall, into: &records)
        }
        for event in kind.events(for: .seconds(9)) {
            clock.advance(to: event.time)
            sequencer.append(event.unit, now: clock.now, wall: clock.wall, into: &records)
        }
        return records.map { record in
            guard case .partEnd(var mark) = record, mark.closesSegment else { return record }
            mark.digests = [SegmentDigest(rendition: .main, sha256: [UInt8](repeating: 7, count: 32))]
            return .partEnd(mark)
        }
    }
}

/// Says hello, and answers any subscription with the records.
private final class FalseParentHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private var link: RelayLinkSession
    private let records: [FeedRecord]

    init(_ hello: RelayHello, _ records: [FeedRecord]) {
        link = RelayLinkSession(hello, settings: RelaySettings(), now: .zero)
        self.records = records
    }

    func handlerAdded(context: ChannelHandlerContext) { if context.channel.isActive { write(link.greeting, context) } }

    func channelActive(context: ChannelHandlerContext) { write(link.greeting, context) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        link.receive(Array(unwrapInboundIn(data).readableBytesView)[...])
        while let frame = try? link.next() {
            guard case .subscribe = frame.message else { continue }
            let first = FeedPosition(term: GatewayFeed.term, number: 0)
            write(RelayFrame(channel: frame.channel, message: .accepted(FeedStart(position: first))), context)
            let all = RelayRecords(first: first, records: records)
            write(RelayFrame(channel: frame.channel, message: .records(all)), context)
        }
    }

    private func write(_ frame: RelayFrame, _ context: ChannelHandlerContext) {
        var bytes: [UInt8] = []
        RelayFrameEncoder().append(frame, to: &bytes)
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: bytes)), promise: nil)
    }
}
