// SPDX-License-Identifier: Apache-2.0

import HLS
import Identity
import Media
import NIOCore
import RTMP
import Replica
import Telemetry
import WebServer

/// `/{app}/{name}.flv`: a stream as one endless FLV file, from the last random access point on. Confined to one loop.
final class FLVFront {
    private let edge: EdgeState
    private let subscriptions: SubscriptionTable
    private var viewers: [ObjectIdentifier: FLVViewer] = [:]

    init(edge: EdgeState, subscriptions: SubscriptionTable) {
        self.edge = edge
        self.subscriptions = subscriptions
    }

    /// Begins to play on `exchange`, or refuses.
    func respond(_ id: StreamID, viewer: Int, on exchange: MediaExchange) {
        guard let replica = edge.stream(id)?.replica, !replica.isOver, replica.parameters != nil || replica.isExpected
        else {
            return exchange.send(Refusals.notFound)
        }
        let number = ViewerNumber.make(viewer, ObjectIdentifier(exchange))
        guard edge.welcome(number, as: .flv, to: replica) else { return exchange.send(Refusals.full) }
        let head = AnswerHead(status: 200, contentType: "video/x-flv", cacheControl: CachePolicy.never.headerText)
        guard exchange.beginStream(head) else { return edge.farewell(number, from: replica) }
        let flv = FLVViewer(exchange, number: number)
        viewers[ObjectIdentifier(exchange)] = flv
        flv.onFinish = { [weak self] in self?.end(exchange) }
        flv.subscription = subscriptions.open(replica, viewer: number, sink: flv, settings: edge.play)
        flv.subscription?.pump()
    }

    func writable(_ exchange: MediaExchange) { viewers[ObjectIdentifier(exchange)]?.subscription?.pump() }

    func cancelled(_ exchange: MediaExchange) { leave(exchange) }

    /// The stream is over, or the viewer was too slow for it.
    private func end(_ exchange: MediaExchange) {
        leave(exchange)
        exchange.endStream()
    }

    private func leave(_ exchange: MediaExchange) {
        guard let flv = viewers.removeValue(forKey: ObjectIdentifier(exchange)) else { return }
        guard let subscription = flv.subscription else { return }
        edge.metrics.groupsSkipped.add(subscription.skips)
        edge.farewell(flv.number, from: subscription.replica)
        subscriptions.close(subscription)
    }
}

/// One viewer of FLV.
final class FLVViewer: RecordSink {
    let number: UInt64
    var subscription: FeedSubscription?
    var onFinish: () -> Void = {}
    private let exchange: MediaExchange
    private var media = RTMPFromMedia(tracks: [])
    private var hasHeader = false
    private var owesOpening = false

    init(_ exchange: MediaExchange, number: UInt64) {
        self.exchange = exchange
        self.number = number
    }

    var isWritable: Bool { exchange.isWritable }

    func write(_ tracks: [Track]) {
        media = RTMPFromMedia(tracks: tracks)
        owesOpening = true
        guard !hasHeader else { return }
        hasHeader = true
        let hasVideo = tracks.contains { $0.codec.isVideo }
        send(FLVWriter().header(hasVideo: hasVideo, hasAudio: tracks.contains { !$0.codec.isVideo }))
    }

    func write(_ unit: AccessUnit) {
        if owesOpening {
            owesOpening = false
            for tag in media.opening(at: unit.decodeTime) { send(FLVWriter().write(tag)) }
        }
        if let tag = media.tag(unit) { send(FLVWriter().write(tag)) }
    }

    func flush() { exchange.flush() }

    func finish() { onFinish() }

    private func send(_ tag: [UInt8]) {
        subscription?.sent(tag.count)
        exchange.write(ByteBuffer(bytes: tag))
    }
}

/// Viewers who hold a connection are told apart by it.
enum ViewerNumber {
    static func make(_ parts: any Hashable...) -> UInt64 {
        var hasher = Hasher()
        for part in parts { part.hash(into: &hasher) }
        return UInt64(bitPattern: Int64(hasher.finalize()))
    }
}
