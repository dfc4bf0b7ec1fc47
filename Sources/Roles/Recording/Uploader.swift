// SPDX-License-Identifier: Apache-2.0

import Bytes
public import Identity
public import Logging
public import Objects
public import Replica
public import Storage
public import Tracing
public import Upload

/// Uploads one stream of one term: the shell of an ``UploadQueue``.
///
/// The store is given without retries of its own, as the queue decides when something is tried again. Segments are written
/// once under names that never have two contents, so whatever was there already counts as written.
public actor Uploader {
    private var queue: UploadQueue
    private let store: any ObjectStore
    private let disk: (any ObjectStore)?
    private let source: any UploadSource
    private let metrics: UploadMetrics
    private let alarm: StoreAlarm
    private let log: Logger
    private let tracer: NodeTracer?
    private let tell: @Sendable (UploadNews) -> Void
    private let clock = ContinuousClock()
    private let start: ContinuousClock.Instant
    private var held: [UploadID: HeldContent] = [:]
    private var gaps: [RenditionName: Set<UInt64>] = [:]
    private var term: Term
    /// The higher term that was found in the store last.
    private var higher: Term?
    private var playlists: [ObjectKey: FencedPlaylist] = [:]
    private var timer: Task<Void, Never>?
    private var isTroubled = false
    /// What the store said last, for who is to mend it.
    private var lastFailure: StoreFailure?
    private var isStopped = false
    private var random = SystemRandomNumberGenerator()

    /// An uploader of a stream's renditions.
    /// - Parameters:
    ///   - stored: the last segment that a predecessor's playlists list.
    ///   - source: knows the playlists' texts and places.
    ///   - disk: where waiting segments go when memory is full; nil for nowhere.
    ///   - alarm: is raised while the store's playlists should come further and do not.
    ///   - tracer: where spans of uploads go; nil where nothing is traced.
    ///   - tell: is told the news, on the uploader's own executor.
    public init(
        term: Term, renditions: [RenditionName], after stored: UInt64? = nil,
        settings: UploadSettings = UploadSettings(), store: any ObjectStore, disk: (any ObjectStore)?,
        source: any UploadSource, metrics: UploadMetrics, alarm: StoreAlarm, log: Logger,
        tracer: NodeTracer? = nil,
        tell: @escaping @Sendable (UploadNews) -> Void
    ) {
        var settings = settings
        if disk == nil { settings.diskLimit = .bytes(0) }
        queue = UploadQueue(renditions: renditions, after: stored, settings: settings)
        self.store = store
        self.disk = disk
        self.source = source
        self.metrics = metrics
        self.tell = tell
        self.alarm = alarm
        self.log = log
        self.tracer = tracer
        self.term = term
        start = clock.now
    }

    /// Takes an init section, which is uploaded under `key`.
    public func offer(
        initSection number: UInt32, of rendition: RenditionName, _ content: ObjectContent, as key: ObjectKey
    ) {
        held[.initSection(rendition, number)] = HeldContent(key, content, offered: clock.now)
        obey(queue.offer(initSection: number, of: rendition, size: content.bytes.count, now: now))
    }

    /// Takes the next segment of a rendition, which is uploaded under `key`.
    /// - Parameter trace: the span of the segment; nil where it is not traced.
    public func offer(
        segment msn: UInt64, of rendition: RenditionName, parameters: UInt32, _ content: ObjectContent,
        as key: ObjectKey, trace: ServiceContext? = nil
    ) {
        held[.segment(rendition, msn)] = HeldContent(key, content, offered: clock.now, trace: trace)
        let upload = SegmentUpload(
            rendition: rendition, msn: msn, parameters: parameters, size: content.bytes.count)
        obey(queue.offer(upload, now: now))
    }

    /// Takes a part of the segment that is not whole yet, which is uploaded under `key`, and removed when nobody needs it.
    public func offer(
        part: Int, of msn: UInt64, in rendition: RenditionName, _ content: ObjectContent, as key: ObjectKey
    ) {
        held[.part(rendition, msn, part)] = HeldContent(key, content, offered: clock.now)
        obey(queue.offer(part: part, of: msn, in: rendition, size: content.bytes.count, now: now))
    }

    /// Nobody holds that segment, in no rendition, or not in one of them.
    public func skip(_ msn: UInt64, of rendition: RenditionName? = nil) {
        obey(queue.skip(msn, of: rendition, now: now))
    }

    /// The stream has ended. What waits is still uploaded, and then ``UploadNews/done`` is told. Parts are removed when nobody
    /// asks for them any more, which is later: until then the uploader keeps itself alive.
    public func finish() { obey(queue.finish(now: now)) }

    /// The stream goes on here in a higher term: playlists are written in that from now on.
    public func raise(to term: Term) { self.term = max(self.term, term) }

    /// Somebody else has the stream: nothing more is written, and what waits is let go.
    public func stop() {
        isStopped = true
        obey(queue.stop())
    }

    /// The present, as the queue has it.
    private var now: Duration { clock.now - start }

    private func obey(_ directives: [UploadQueue.Directive]) {
        for directive in directives { obey(directive) }
        timer?.cancel()
        timer = queue.nextDeadline.map { deadline in
            Task { [clock, time = start + deadline] in
                try? await clock.sleep(until: time)
                if !Task.isCancelled { self.tick() }
            }
        }
    }

    private func tick() { obey(queue.tick(now: now)) }

    private func obey(_ directive: UploadQueue.Directive) {
        switch directive {
        case .upload(let id): Task { await upload(id) }
        case .spill(let id): Task { await spill(id) }
        case .release(let id): release(id)
        case .drop(let id):
            held[id]?.forget()
            metrics.part(.dropped)
        case .remove(let id):
            if let key = held[id]?.key { Task { await removePart(id, key) } }
        case .writePlaylist(let name, let msn, let isLast):
            let gaps = self.gaps[name] ?? []
            Task {
                await write(.media(name), cacheControl: isLast ? Self.lasting : Self.living) {
                    [source] () throws(StoreFailure) in
                    [try await source.mediaPlaylist(name, through: msn, gaps: gaps, isLast: isLast)].compactMap { $0 }
                } then: { [source] document in
                    await source.listed(name, in: document, through: msn)
                }
            }
        case .writeMultivariant:
            Task {
                await write(.multivariant, cacheControl: Self.living) { [source] () throws(StoreFailure) in
                    try await source.multivariantPlaylists()
                }
            }
        case .gap(let name, let msn):
            metrics.gap()
            gaps[name, default: []].insert(msn)
        case .lost(let name, let msn):
            metrics.lost()
            log.warning("segment lost for the store", metadata: ["rendition": "\(name)", "msn": "\(msn)"])
        case .stored(let msn): tell(.stored(msn))
        case .troubled: setTroubled(true)
        case .recovered: setTroubled(false)
        case .done:
            setTroubled(false)
            if !isStopped { tell(.done) }
        }
    }
}

extension Uploader {
    private func setTroubled(_ isTroubled: Bool) {
        guard isTroubled != self.isTroubled else { return }
        self.isTroubled = isTroubled
        metrics.troubled(isTroubled)
        if isTroubled { alarm.raise(lastFailure) } else { alarm.lower() }
    }

    private func upload(_ id: UploadID) async {
        guard let content = held[id] else { return }
        let bytes: ObjectContent
        do throws(StoreFailure) {
            bytes = try await content.read(from: disk)
        } catch {
            note(error, content.key)
            guard error == .notFound else { return obey(queue.failed(id, now: now, using: &random)) }
            return obey(queue.vanished(id, now: now))
        }
        do throws(StoreFailure) {
            try await put(bytes, content)
            note(stored: id, content)
            obey(queue.uploaded(id, now: now))
        } catch {
            note(error, content.key)
            obey(queue.failed(id, asked: error.asked, now: now, using: &random))
        }
    }

    private func note(stored id: UploadID, _ content: HeldContent) {
        switch id {
        case .initSection: break
        case .segment: metrics.stored(after: clock.now - content.offered)
        case .part:
            held[id]?.forget()
            metrics.part(.stored)
        }
    }

    /// Deletes a part from the store.
    private func removePart(_ id: UploadID, _ key: ObjectKey) async {
        do throws(StoreFailure) {
            try await store.delete(key)
            metrics.part(.removed)
            obey(queue.removed(id, now: now))
        } catch {
            log.debug("part not removed", metadata: ["failure": "\(error)", "object": "\(key)"])
            obey(queue.removalFailed(id, now: now, using: &random))
        }
    }

    /// Writes it. Where its segment is traced, that is a span, and the requests that are sent for it bear its context.
    private func put(_ bytes: ObjectContent, _ content: HeldContent) async throws(StoreFailure) {
        guard let tracer, let trace = content.trace else { return try await store.putImmutable(content.key, bytes) }
        let span = tracer.startSpan("upload", context: trace, ofKind: .client)
        span.attributes["millrace.object"] = content.key.description
        span.attributes["millrace.bytes"] = bytes.bytes.count
        defer { span.end() }
        let result = await ServiceContext.$current.withValue(span.context) {
            [store, key = content.key] () async -> Result<Void, StoreFailure> in
            do throws(StoreFailure) {
                return .success(try await store.putImmutable(key, bytes))
            } catch {
                return .failure(error)
            }
        }
        if case .failure(let failure) = result { span.recordError(failure) }
        try result.get()
    }

    private func spill(_ id: UploadID) async {
        guard let disk, let content = held[id], let bytes = content.content else { return }
        do throws(StoreFailure) {
            try await disk.put(content.key, bytes)
            // It may have been released meanwhile.
            guard held[id] != nil else { return await remove(content.key, from: disk) }
            held[id]?.forget()
            obey(queue.spilled(id, now: now))
        } catch {
            note(error, content.key)
            obey(queue.spillFailed(id, now: now))
        }
    }

    private func release(_ id: UploadID) {
        guard let content = held.removeValue(forKey: id), !id.isPart, content.content == nil, let disk else { return }
        Task { await remove(content.key, from: disk) }
    }

    private func remove(_ key: ObjectKey, from disk: any ObjectStore) async {
        do throws(StoreFailure) {
            try await disk.delete(key)
        } catch {
            note(error, key)
        }
    }

    private func write(
        _ playlist: UploadedPlaylist, cacheControl: String,
        _ documents: @Sendable () async throws(StoreFailure) -> [UploadDocument],
        then: @Sendable (UploadDocument) async -> Void = { _ in }
    ) async {
        do throws(StoreFailure) {
            let documents = try await documents()
            for document in documents {
                guard try await write(document, cacheControl: cacheControl) else {
                    // Whoever hears of it raises the term, or stops.
                    return obey(queue.failed(playlist, asked: Self.fencedPause, now: now, using: &random))
                }
            }
            for document in documents { await then(document) }
            obey(queue.stored(playlist, isEmpty: documents.isEmpty, now: now))
        } catch {
            let isReplaced = error == .conditionFailed
            if isReplaced { await source.refresh() }
            note(error, nil)
            obey(queue.failed(playlist, asked: error.asked, isRenamed: isReplaced, now: now, using: &random))
        }
    }

    /// Whether no higher term holds the playlist.
    private func write(_ document: UploadDocument, cacheControl: String) async throws(StoreFailure) -> Bool {
        guard !isStopped else { return false }
        var fenced = playlists[document.key] ?? FencedPlaylist(document.key)
        defer { playlists[document.key] = fenced }
        let found = try await fenced.write(
            document.text, in: term, goingOnFrom: document.basis, cacheControl: cacheControl, to: store)
        guard let found else { return true }
        if found > max(higher ?? term, term), !isStopped {
            higher = found
            tell(.fenced(by: found))
        }
        return false
    }

    /// Failures are the store's everyday life: the metrics count them, and the operator hears of those that last.
    private func note(_ failure: StoreFailure, _ key: ObjectKey?) {
        lastFailure = failure
        log.debug("upload failed", metadata: ["failure": "\(failure)", "object": "\(key?.description ?? "playlist")"])
    }

    /// Playlists change with each segment, and not any more when they are whole.
    static let living = "max-age=1"
    static let lasting = "max-age=60"
    private static let fencedPause: Duration = .seconds(1)
}

extension StoreFailure {
    /// How long the store asks to be left alone.
    fileprivate var asked: Duration? {
        if case .throttled(let time) = self { time } else { nil }
    }
}
