// SPDX-License-Identifier: Apache-2.0

import Cluster
import Feed
import HLS
import Identity
import Logging
import Objects
import Replica
import Signing
import Storage
import Traces
import Tracing

/// Writes one stream to the object store in one term, beside hop 7 of a frame's life: what the replica has committed is
/// offered to an ``Uploader``, segment by segment.
///
/// It stands on threads of its own and takes the replica's lock only for as long as it takes to copy references, so a store
/// that hangs is felt by nobody. What it does not get to in time, because the uploader has no room, is lost for the store
/// and for nobody else.
actor StreamRecorder {
    /// Comes when all is written, or nothing more will be.
    nonisolated let ending = Ending()
    private let stream: StreamID
    private var term: Term
    private let replica: StreamReplica
    private let kit: RecordingKit
    private let tell: @Sendable (Term, UploadNews) -> Void
    private let wakes: AsyncStream<Void>
    private let waker: AsyncStream<Void>.Continuation
    private let reports: AsyncStream<Report>
    private let reporter: AsyncStream<Report>.Continuation
    private let mailbox: LoopMailbox
    private var variants: [StreamVariant] = []
    private var tape: Tape?
    /// Those before ``tape`` that are not whole yet.
    private var formerTapes: [Tape] = []
    private var progress = StoredProgress()
    /// What is to end before the next recording's playlists are written.
    private var predecessor: Ending?
    /// The newest segment that was offered, or that a predecessor's playlists list.
    private var offered: MediaSequenceNumber?
    /// The newest part that was offered, where parts are.
    private var newestPart: PartPosition?
    private var isEnding = false
    private var isOver = false

    /// A recording that is being written: what uploads it and what its playlists say.
    private struct Tape {
        let number: Int
        let uploader: Uploader
        let journal: RecordingJournal
        let renditions: [RenditionName]
        let ending = Ending()
        /// The numbers under which the uploader knows init sections.
        var initSections: [InitSectionName: UInt32] = [:]
    }

    /// News of a recording, in the order in which they were told.
    private struct Report {
        let tape: Int
        let news: UploadNews
    }

    /// A recorder of what `replica` holds and this node appends in `term`.
    /// - Parameters:
    ///   - predecessor: the end of who records an earlier life of the stream: until then no playlist is written.
    ///   - tell: is told the news in order, and the term in which it is written; ``UploadNews/done`` once, at the end.
    init(
        _ stream: StreamID, term: Term, replica: StreamReplica, after predecessor: Ending? = nil, kit: RecordingKit,
        tell: @escaping @Sendable (Term, UploadNews) -> Void
    ) {
        self.stream = stream
        self.term = term
        self.replica = replica
        self.predecessor = predecessor
        self.kit = kit
        self.tell = tell
        offered = replica.stored
        (wakes, waker) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        (reports, reporter) = AsyncStream.makeStream()
        mailbox = LoopMailbox(execute: { body in body() }, deliver: { [waker] _ in waker.yield() })
    }

    /// Records until the stream is over and all is written, or ``stop()``.
    func run() async {
        waker.yield()
        async let listening: Void = listen()
        for await _ in wakes where !isOver { await advance() }
        await listening
    }

    /// The stream goes on here in a higher term: what waits is still written, in that.
    func raise(to term: Term) async {
        self.term = max(self.term, term)
        for tape in formerTapes + [tape].compactMap({ $0 }) {
            await tape.uploader.raise(to: term)
            await tape.journal.raise(to: term)
        }
    }

    /// Nothing more comes: what is there is written to its end.
    func conclude() {
        isEnding = true
        waker.yield()
    }

    /// The stream is somebody else's: nothing more is written.
    func stop() async {
        isOver = true
        waker.finish()
        for tape in formerTapes + [tape].compactMap({ $0 }) {
            await tape.uploader.stop()
            tape.ending.come()
        }
        close()
    }

    private func close() {
        reporter.finish()
        ending.come()
    }

    private func advance() async {
        while !isOver {
            let isWhole = replica.isWhole || isEnding
            let batch = replica.segmentsToStore(after: offered, limit: 4, wake: mailbox)
            await describe()
            // The last part of a segment comes with the mark that closes it: the segment goes first. Of several it is no use.
            let known = tape != nil && batch.count <= 1 ? offered : batch.last?.segment.msn
            for item in batch where !isOver { await offer(item) }
            await offerParts(beyond: known)
            guard batch.isEmpty else { continue }
            if isWhole { await finish() }
            return
        }
    }

    /// The stream has ended and all of it was offered.
    private func finish() async {
        isOver = true
        waker.finish()
        if let tape {
            await tape.journal.conclude()
            return await tape.uploader.finish()
        }
        // Whoever takes a term only to end a stream finishes what its predecessor recorded; else the next one does.
        let journal = journal(of: [], name: nil)
        try? await journal.finishFormer()
        tell(term, .done)
        close()
    }
}

// MARK: - Segments

extension StreamRecorder {
    private func offer(_ item: SegmentToStore) async {
        let msn = item.segment.msn
        let tape = await tape(for: item)
        for missing in (offered.map { $0 + 1 } ?? msn)..<msn { await tape.uploader.skip(missing) }
        offered = msn
        await tape.journal.add(item.segment, isBeginning: item.isBeginning, targetDuration: replica.targetDuration)
        guard !item.segment.isGap else { return await tape.uploader.skip(msn) }
        let number = await initSection(of: item)
        for rendition in tape.renditions {
            guard let content = item.contents.first(where: { $0.rendition == rendition }), let number,
                let bytes = whole(content, of: item.segment)
            else {
                await tape.uploader.skip(msn, of: rendition)
                continue
            }
            let key = ObjectKey.known("\(stream)/\(rendition)/\(item.segment.term)/\(msn).m4s")
            await tape.uploader.offer(
                segment: msn, of: rendition, parameters: number, Self.media(bytes, sha256: content.sha256), as: key,
                trace: context(of: item.segment))
        }
    }

    /// What is committed of the segment that is not whole yet, and of those that were not before. The first of a stream are not
    /// offered: nothing is recorded before its first segment.
    private func offerParts(beyond msn: MediaSequenceNumber?) async {
        guard kit.settings.storesParts, let tape else { return }
        for part in replica.partsToStore(after: newestPart, beyond: msn) where !isOver {
            newestPart = part.position
            let file = "\(part.term)/\(part.position.msn).\(part.position.part).m4s"
            for content in part.contents where tape.renditions.contains(content.rendition) {
                await tape.uploader.offer(
                    part: part.position.part, of: part.position.msn, in: content.rendition,
                    Self.media(content.bytes, sha256: nil),
                    as: ObjectKey.known("\(stream)/\(content.rendition)/\(file)"))
            }
        }
    }

    /// The span by which this node holds a segment; nil where it is not traced.
    private func context(of segment: StoredSegment) -> ServiceContext? {
        guard let trace = kit.tracer?.holding(replica.trace.segment(segment.msn, in: segment.term)) else { return nil }
        var context = ServiceContext.topLevel
        context.trace = trace
        return context
    }

    /// The number of the segment's init section; offers it before its first segment.
    private func initSection(of item: SegmentToStore) async -> UInt32? {
        guard let tape else { return nil }
        let name = item.segment.initSection
        if let known = tape.initSections[name] { return known }
        let number = UInt32(clamping: tape.initSections.count)
        self.tape?.initSections[name] = number
        for content in item.contents where tape.renditions.contains(content.rendition) {
            let key = ObjectKey.known("\(stream)/\(content.rendition)/\(name.term)/init-\(name.number).mp4")
            await tape.uploader.offer(
                initSection: number, of: content.rendition, Self.media(content.initSection, sha256: nil), as: key)
        }
        return number
    }

    /// The bytes of a segment; nil where they are not those that its gateway stated.
    private func whole(_ content: SegmentToStore.Content, of segment: StoredSegment) -> [UInt8]? {
        let bytes = Array(content.chunks.joined())
        guard let stated = content.sha256, Digest.sha256.hash(bytes[...]) != stated else { return bytes }
        kit.metrics.mismatched()
        kit.log.error(
            "a segment is not what its gateway stated, and is not stored",
            metadata: ["stream": "\(stream)", "rendition": "\(content.rendition)", "msn": "\(segment.msn)"])
        return nil
    }

    private static func media(_ bytes: [UInt8], sha256: [UInt8]?) -> ObjectContent {
        ObjectContent(
            bytes, mediaType: "video/mp4", cacheControl: "public, max-age=31536000, immutable", sha256: sha256)
    }
}

// MARK: - Recordings

extension StreamRecorder {
    /// The recording that a segment belongs to: the first of the term, or a new one where the last has become long, does
    /// not reach up to it, or has no place for a layer of it. The renditions of a recording are those of its first segment.
    private func tape(for item: SegmentToStore) async -> Tape {
        let isNear = offered.map { item.segment.msn <= $0 + Self.mostMissing } ?? true
        if let tape, isNear, item.contents.allSatisfy({ tape.renditions.contains($0.rendition) }),
            await tape.journal.count < kit.settings.longest
        {
            return tape
        }
        let isNext = tape != nil
        if let tape {
            predecessor = tape.ending
            formerTapes.append(tape)
            await tape.uploader.finish()
        }
        let msn = item.segment.msn
        if !isNear { offered = nil }
        let names = item.contents.map(\.rendition)
        let renditions = names.isEmpty ? [.main] : names
        let journal = journal(of: renditions, name: isNext ? RecordingName(stream: stream, number: msn) : nil)
        await journal.describe(variants)
        let number = progress.begin()
        let uploader = Uploader(
            term: term, renditions: renditions, after: isNext ? nil : offered, settings: kit.settings.upload,
            store: kit.store, disk: kit.disk, source: journal, metrics: kit.uploads, alarm: kit.alarm, log: kit.log,
            tracer: kit.tracer
        ) { [reporter] news in reporter.yield(Report(tape: number, news: news)) }
        let tape = Tape(number: number, uploader: uploader, journal: journal, renditions: renditions)
        if isNext { offered = nil }
        self.tape = tape
        if isOver { await uploader.stop() }
        return tape
    }

    private func journal(of renditions: [RenditionName], name: RecordingName?) -> RecordingJournal {
        RecordingJournal(
            stream, term: term, renditions: renditions, name: name, after: predecessor,
            resumption: kit.settings.resumption, store: kit.store, now: kit.now)
    }

    private func listen() async {
        for await report in reports { hear(report) }
    }

    private func hear(_ report: Report) {
        switch report.news {
        case .stored(let msn):
            if let all = progress.list(msn, in: report.tape) { tell(term, .stored(all)) }
        case .fenced:
            kit.metrics.refused()
            tell(term, report.news)
        case .done:
            kit.metrics.ended()
            if let all = progress.complete(report.tape) { tell(term, .stored(all)) }
            for tape in formerTapes + [tape].compactMap({ $0 }) where tape.number == report.tape { tape.ending.come() }
            formerTapes.removeAll { $0.number == report.tape }
            guard isOver, progress.isEmpty else { return }
            tell(term, .done)
            close()
        }
    }

    private func describe() async {
        let newest = replica.variants.map(\.summary)
        if !newest.isEmpty { variants = newest }
        await tape?.journal.describe(newest)
    }

    /// Segments that a successor may lack behind what the feed says to be stored; of more it is not the same stream.
    static let mostMissing: MediaSequenceNumber = 64
}
