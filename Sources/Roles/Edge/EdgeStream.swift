// SPDX-License-Identifier: Apache-2.0

import Bytes
import CDN
import DequeModule
import Feed
import HLS
import Identity
import Media
import NIOCore
import Replica
import Synchronization
import Telemetry
import Transport
import WebServer

/// One stream as the edge serves it: its replica, and the answers that were rendered, shared by all loops.
final class EdgeStream: Sendable {
    /// The window.
    let replica: StreamReplica
    private let tag: SurrogateKey?
    private let others: @Sendable () -> [MultivariantPlaylist.Pathway]
    private let answers = Mutex(AnswerTable())
    /// Those that reach back and take long to write: nobody at the live edge waits for them.
    private let pastAnswers = Mutex(AnswerTable())

    /// - Parameters:
    ///   - tag: what a CDN forgets the stream by; nil where there is none.
    ///   - others: where else the stream can be had.
    init(
        _ replica: StreamReplica, tag: SurrogateKey?,
        others: @escaping @Sendable () -> [MultivariantPlaylist.Pathway]
    ) {
        self.others = others
        self.replica = replica
        self.tag = tag
    }

    /// The answer that a directive other than `.wait` asks for; rendered at the first wish.
    /// - Parameters:
    ///   - wish: what the question wants of the past.
    ///   - rewind: what a playlist says of it; nil for nothing.
    func answer(
        _ directive: BlockingReload.Directive, to question: Question, wish: RewindWish, rewind: Rewind?,
        by desk: AnswerDesk
    ) -> MediaAnswer {
        switch directive {
        case .refuse(let refusal): return Refusals.of(refusal)
        case .wait: preconditionFailure("a wait has no answer yet: \(question)")
        default: break
        }
        let key = AnswerTable.Key(
            directive: directive, resource: question.resource, wish: wish,
            isGzip: question.acceptsGzip && directive.isText,
            age: directive.isCurrent ? replica.outlook.reach?.msn ?? 0 : 0)
        func find(in answers: inout AnswerTable) -> MediaAnswer {
            if let known = answers[key] { return known }
            guard let fresh = render(key, rewind, desk) else { return Refusals.of(.notFound) }
            answers.insert(fresh, for: key, now: SystemClock.now())
            return fresh
        }
        let isPast = (rewind?.reach ?? .zero) > .zero
        return isPast ? pastAnswers.withLock { find(in: &$0) } : answers.withLock { find(in: &$0) }
    }

    /// Forgets what was rendered too long ago.
    func expire(now: Duration) {
        answers.withLock { $0.expire(now: now) }
        pastAnswers.withLock { $0.expire(now: now) }
    }

    private func render(_ key: AnswerTable.Key, _ rewind: Rewind?, _ desk: AnswerDesk) -> MediaAnswer? {
        let others = key.directive.isCurrent ? others() : []
        guard
            let (chunks, tracks) = replica.bytes(
                for: key.directive, of: key.resource, others: others, rewind: rewind)
        else { return nil }
        if key.directive.isText { desk.metrics.playlistRenderings.add() } else { desk.metrics.mediaRenderings.add() }
        replica.noteServed(key.resource)
        let buffers = chunks.map { ByteBuffer(bytes: $0) }
        let head = AnswerHead(
            status: 200, contentType: key.resource.contentType(tracks: tracks),
            cacheControl: key.directive.cachePolicy.headerText,
            etag: key.directive.etag(term: replica.term, key.resource, key.wish, isGzip: key.isGzip),
            contentEncoding: key.isGzip ? "gzip" : nil, varies: key.directive.isText,
            extra: tag.map { [("Surrogate-Key", $0.text)] } ?? [])
        return MediaAnswer(head, body: key.isGzip ? buffers.map(desk.gzip.encode) : buffers)
    }
}

/// Answers rendered, the newest kept.
struct AnswerTable: Sendable {
    struct Key: Hashable {
        let directive: BlockingReload.Directive
        let resource: MediaResource
        let wish: RewindWish
        let isGzip: Bool
        /// Tells apart what one directive says at different times: the newest segment then.
        let age: MediaSequenceNumber
    }

    private var answers: [Key: MediaAnswer] = [:]
    private var order: Deque<(key: Key, at: Duration)> = []
    private var bytes = 0

    subscript(key: Key) -> MediaAnswer? { answers[key] }

    mutating func insert(_ answer: MediaAnswer, for key: Key, now: Duration) {
        expire(now: now)
        answers[key] = answer
        bytes += answer.length
        order.append((key, now))
        while order.count > Self.capacity || bytes > Self.memory.bytes, order.count > 1 { forgetOldest() }
    }

    /// Forgets what was rendered too long ago to be asked for by viewers at the live edge; who still asks has it
    /// rendered again.
    mutating func expire(now: Duration) {
        while let oldest = order.first, oldest.at + Self.life < now { forgetOldest() }
    }

    private mutating func forgetOldest() {
        guard let oldest = order.popFirst() else { return }
        bytes -= answers.removeValue(forKey: oldest.key)?.length ?? 0
    }

    /// Three of the default target durations, and some.
    private static let life: Duration = .seconds(8)
    /// Above what a window has of names and texts; bounds what asking for many of them can hold.
    private static let capacity = 256
    /// Some seconds of the highest bit rates, segments and parts.
    private static let memory = ByteCount.mebibytes(64)
}

extension BlockingReload.Directive {
    /// Whether the answer is text, which is compressed.
    fileprivate var isText: Bool {
        switch self {
        case .multivariantPlaylist, .playlist: true
        case .initSection, .part, .refuse, .segment, .wait: false
        }
    }

    /// Whether the answer is what it is now, under a name that stays.
    fileprivate var isCurrent: Bool { if case .multivariantPlaylist = self { true } else { false } }

    /// A name for the bytes: media never change under theirs, texts are told apart by the part they stand after.
    fileprivate func etag(term: Term, _ resource: MediaResource, _ wish: RewindWish, isGzip: Bool) -> String? {
        switch self {
        // Whichever term is appended now, and wherever the bytes are from.
        case .initSection, .part, .segment: "\"\(resource.term ?? term)\""
        case .multivariantPlaylist, .refuse, .wait: nil
        // What others would say otherwise, or this node in a moment.
        case .playlist(_, _, .never) where wish.reaches: nil
        case .playlist(let key, let isDelta, _):
            "\"\(term)-\(key.position.msn).\(key.position.part)\(wish.mark)"
                + "\(isDelta ? "d" : "")\(key.isEnd ? "e" : "")\(isGzip ? "z" : "")\""
        }
    }
}

/// What a loop renders answers with.
struct AnswerDesk {
    let gzip: GzipEncoder
    let metrics: EdgeMetrics
}
