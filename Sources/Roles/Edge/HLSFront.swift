// SPDX-License-Identifier: Apache-2.0

public import Access
import Bytes
import Feed
public import HLS
import Identity
import Media
public import NIOCore
public import Replica
import Transport
public import WebServer

/// Hop 10 of a frame's life: requests for playlists and media, one front on each event loop, confined to it.
///
/// What is there is answered at once; what is to come is waited for, without a task or an allocation for each waiter;
/// what is answered to many is rendered once.
public final class HLSFront: MediaResponder {
    let edge: EdgeState
    let desk: AnswerDesk
    /// Who waits for the archive.
    let errands = ErrandTable()
    /// This front, as the archive's desk tells it of errands.
    private(set) var listener: ErrandListener?
    private let eventLoop: any EventLoop
    private let waiting = WaitTable()
    private let spans: RequestSpans?
    private let flv: FLVFront
    private var mailbox: LoopMailbox?
    private var scratch: [UInt8] = []
    private var known = KnownStreams()
    private var isTicking = false

    /// The front of one event loop.
    public init(edge: EdgeState, loops: EdgeLoops, eventLoop: any EventLoop) {
        guard let table = loops.tables[ObjectIdentifier(eventLoop)]?.value else {
            preconditionFailure("a loop that the edge was not made for: \(eventLoop)")
        }
        self.edge = edge
        self.eventLoop = eventLoop
        spans = edge.tracer.map { RequestSpans($0) }
        desk = AnswerDesk(gzip: GzipEncoder(), metrics: edge.metrics)
        flv = FLVFront(edge: edge, subscriptions: table)
        let box = NIOLoopBoundBox<HLSFront?>(nil, eventLoop: eventLoop)
        mailbox = LoopMailbox(eventLoop: eventLoop) { replica in box.value?.wake(replica) }
        listener = ErrandListener(id: ObjectIdentifier(self)) { errand, answer in
            eventLoop.execute { box.value?.finished(errand, answer) }
        }
        box.value = self
    }

    /// Whether a request target may be media; all others belong to the application.
    public static func isMedia(_ target: ByteBufferView) -> Bool {
        let path = target.prefix { $0 != UInt8(ascii: "?") }
        return mediaSuffixes.contains { path.suffix($0.count).elementsEqual($0) }
    }

    private static let mediaSuffixes = [".m3u8", ".m4s", ".mp4", ".flv"].map { Array($0.utf8) }

    /// Answers now, or lets the exchange wait.
    public func respond(to request: MediaRequest, on exchange: MediaExchange) {
        scratch.removeAll(keepingCapacity: true)
        scratch.append(contentsOf: request.target)
        do throws(MediaPath.Failure) {
            let path = try MediaPath(parsing: scratch[...], known: &known)
            guard let viewer = admit(path, request, exchange) else { return }
            exchange.tag = viewer
            if case .flv = path.resource { return flv.respond(path.stream, viewer: viewer, on: exchange) }
            spans?.begin(path, request, on: exchange)
            serve(path, acceptsGzip: request.acceptsGzip, on: exchange)
        } catch {
            edge.metrics.refused(error)
            exchange.send(error == .malformed ? Refusals.badRequest : Refusals.notFound)
        }
    }

    /// Forgets a viewer who went away.
    public func cancelled(_ exchange: MediaExchange) {
        spans?.end(exchange, status: nil)
        if !waiting.remove(exchange) { flv.cancelled(exchange) }
    }

    /// Goes on with a stream that was full.
    public func writable(_ exchange: MediaExchange) { flv.writable(exchange) }
}

// MARK: - Admission

extension HLSFront {
    /// Who asks, as a number for the viewer table; nil where the request was refused.
    private func admit(_ path: MediaPath, _ request: MediaRequest, _ exchange: MediaExchange) -> Int? {
        var session: ViewerID?
        if path.token != nil || edge.policy.settings.viewerTokenApps.contains(path.stream.app) {
            let token = path.token.map { "~" + String(decoding: $0, as: UTF8.self) }
            let decision = edge.policy.viewer(
                of: path.stream, token: token, resource: path.resource.beginsSession ? .multivariantPlaylist : .media,
                now: SystemClock.wall())
            switch decision {
            case .allow(let allowed): session = allowed
            case .refuse(let refusal):
                edge.metrics.viewersRefused(refusal)
                exchange.send(refusal == .tokenMissing ? Refusals.unauthorized : Refusals.forbidden)
                return nil
            }
        }
        var hasher = Hasher()
        if let session { hasher.combine(session) } else { request.identify(into: &hasher) }
        return hasher.finalize()
    }
}

// MARK: - Answering

extension HLSFront {
    private func serve(_ path: MediaPath, acceptsGzip: Bool, on exchange: MediaExchange) {
        let question = Question(resource: path.resource, query: path.query, acceptsGzip: acceptsGzip)
        guard let stream = edge.stream(path.stream) else {
            let directive = BlockingReload.directiveWithoutWindow(settings: edge.windowSettings)
            edge.metrics.decided(directive)
            return finish(exchange, with: Refusals.notFound)
        }
        let viewer = path.resource.isPlaylist ? UInt64(bitPattern: Int64(exchange.tag)) : nil
        if let viewer, !edge.welcome(viewer, to: stream.replica) { return finish(exchange, with: Refusals.full) }
        let levelings = stream.replica.outlook.levelings
        let directive = stream.replica.decide(
            question.resource, query: question.query, hasWaited: false, wake: mailbox)
        edge.metrics.decided(directive)
        guard case .wait(let until, let atMost) = directive else {
            return give(resolve(directive, to: question, of: stream), on: exchange)
        }
        let deadline = NIODeadline.now() + TimeAmount(atMost)
        waiting.append(exchange, asking: question, of: stream, until: until, levelings: levelings, deadline: deadline)
        tick()
    }

    /// Sends an answer, or has the exchange wait for the archive.
    private func give(_ resolution: Resolution, on exchange: MediaExchange) {
        switch resolution {
        case .answer(let answer, let stream): send(answer, on: exchange, of: stream)
        case .wait(let group): group.list.append(exchange)
        }
    }

    func send(_ answer: MediaAnswer, on exchange: MediaExchange, of stream: EdgeStream) {
        stream.replica.sent(answer.length, to: UInt64(bitPattern: Int64(exchange.tag)))
        finish(exchange, with: answer)
    }

    private func finish(_ exchange: MediaExchange, with answer: MediaAnswer) {
        spans?.end(exchange, status: answer.head.status)
        exchange.send(answer)
    }

    /// The replica has changed: asks again for all who waited for what is there now.
    private func wake(_ replica: StreamReplica) {
        // The wish comes first: a part that is committed while others are answered wakes this loop again.
        if waiting.hasWaiters(of: replica), let mailbox { replica.wishForParts(mailbox) }
        let outlook = replica.outlook
        let ready = waiting.takeReady(of: replica, outlook: outlook)
        for group in ready { settle(group, hasWaited: false) }
    }

    private func settle(_ group: WaitTable.Group, hasWaited: Bool) {
        let levelings = group.stream.replica.outlook.levelings
        let directive = group.stream.replica.decide(
            group.question.resource, query: group.question.query, hasWaited: hasWaited, wake: mailbox)
        if case .wait(let until, _) = directive {
            waiting.putBack(group, until: until, levelings: levelings)
            return
        }
        edge.metrics.decided(directive)
        let resolution = resolve(directive, to: group.question, of: group.stream)
        while let exchange = group.list.popFirst() { give(resolution, on: exchange) }
    }

    /// One timer a loop, while anybody waits.
    private func tick() {
        guard !isTicking else { return }
        isTicking = true
        eventLoop.assumeIsolatedUnsafeUnchecked().scheduleTask(in: .milliseconds(100)) { [self] in
            isTicking = false
            for group in waiting.takeExpired(now: .now()) { settle(group, hasWaited: true) }
            if !waiting.isEmpty { tick() }
        }
    }
}

/// What is asked, as far as the answer depends on it.
struct Question: Hashable {
    let resource: MediaResource
    let query: ByteSlice
    let acceptsGzip: Bool

    /// The same, to be kept when the loop reads the next request.
    var kept: Question { Question(resource: resource, query: Array(query)[...], acceptsGzip: acceptsGzip) }
}

extension MediaResource {
    /// Whether a viewer's token must not have expired: all that is asked for later lives on by the linger.
    fileprivate var beginsSession: Bool {
        switch self {
        case .flv, .multivariantPlaylist: true
        case .initSection, .mediaPlaylist, .part, .segment: false
        }
    }

    fileprivate var isPlaylist: Bool {
        switch self {
        case .mediaPlaylist, .multivariantPlaylist: true
        case .flv, .initSection, .part, .segment: false
        }
    }
}
