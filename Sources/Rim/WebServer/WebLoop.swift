// SPDX-License-Identifier: Apache-2.0

import Bytes
public import NIOCore
public import Transport

/// What all connections of one event loop share: the responder, the date, the limits, the walk over deadlines.
/// Confined to its event loop.
public final class WebLoop {
    /// The event loop.
    public let eventLoop: any EventLoop
    let responder: any MediaResponder
    let site: WebSite
    let observer: any WebObserver
    let settings: WebSettings
    /// The Date line with its CR LF.
    private(set) var dateLine: [UInt8] = []
    /// Heads are written here; it is reused whenever the last one has left.
    var scratch = ByteBuffer()
    private(set) var isStopping = false
    private var supervised = SupervisedTable()
    private var ticker: RepeatedTask?

    /// Makes the shared part of a loop; to be called on it.
    public init(
        eventLoop: any EventLoop, responder: any MediaResponder, site: WebSite, settings: WebSettings,
        observer: any WebObserver
    ) {
        self.eventLoop = eventLoop
        self.responder = responder
        self.site = site
        self.settings = settings
        self.observer = observer
    }

    /// Lets HTTP/1 in on a connection: the door, and behind it, when it is needed, the application.
    public func openHTTP1(on channel: any Channel, peer: PeerAddress, isTLS: Bool) throws {
        try limitWrites(of: channel)
        let door = MediaDoor(loop: self, peer: peer, isTLS: isTLS)
        try channel.pipeline.syncOperations.addHandler(door)
    }

    /// From now on connections end after the answer that is under way.
    public func beginStopping() { isStopping = true }

    func limitWrites(of channel: any Channel) throws {
        let high = settings.writeHighWater.bytes
        try channel.syncOptions?.setOption(.writeBufferWaterMark, value: .init(low: high / 2, high: high))
    }

    func supervise(_ member: Supervised) {
        if supervised.isEmpty { startTicking() }
        supervised.insert(member)
    }

    func release(_ member: Supervised) {
        supervised.remove(member)
        if supervised.isEmpty { stopTicking() }
    }

    private func startTicking() {
        refreshDate()
        let loop = NIOLoopBound(self, eventLoop: eventLoop)
        ticker = eventLoop.scheduleRepeatedTask(initialDelay: Self.step, delay: Self.step) { _ in loop.value.tick() }
    }

    private func stopTicking() {
        ticker?.cancel()
        ticker = nil
    }

    private func tick() {
        refreshDate()
        let now = eventLoop.now
        for member in supervised.snapshot { member.tick(now: now) }
    }

    private func refreshDate() { dateLine = Array("Date: \(HTTPDate.now)\r\n".utf8) }

    private static let step = TimeAmount.milliseconds(500)
}
