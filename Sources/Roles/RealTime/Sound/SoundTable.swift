// SPDX-License-Identifier: Apache-2.0

import Identity
import Media
import NIOCore
import Replica
import Sound
import Synchronization
import Transport

/// The streams of a node whose sound is transcoded for WHEP viewers: one program a stream, begun with the first who wants
/// to hear it, ended a while after the last. Any thread may call; the programs are one event loop's.
final class SoundTable: Sendable {
    private typealias Key = ObjectIdentifier

    private struct Entry {
        let connection: TranscoderConnection
        /// The threads that send the stream.
        var threads: Set<Int> = []
        /// Since when there is none.
        var unusedSince: Duration?
    }

    let metrics: TranscoderMetrics
    private let program: String?
    private let limit: Int
    private let eventLoop: any EventLoop
    private let threads: ThreadGroup
    private let log: RealTimeLog
    private let entries: NIOLoopBoundBox<[Key: Entry]>
    private let mailbox: Mutex<LoopMailbox?>
    private let standing = Mutex(Standing())

    /// What any thread may know of the programs.
    private struct Standing {
        /// The streams that have one.
        var running: Set<Key> = []
        /// Those whose program failed too often.
        var resting: Set<Key> = []
    }

    /// - Parameters:
    ///   - program: the path of ffmpeg; nil where there is none, or where it is not wanted.
    ///   - limit: how many streams may have one.
    init(
        program: String?, limit: Int, on eventLoop: any EventLoop, threads: ThreadGroup, metrics: TranscoderMetrics,
        log: RealTimeLog
    ) {
        self.program = program
        self.limit = limit
        self.eventLoop = eventLoop
        self.threads = threads
        self.metrics = metrics
        self.log = log
        entries = .makeBoxSendingValue([:], eventLoop: eventLoop)
        mailbox = Mutex(nil)
        let mailbox = LoopMailbox(eventLoop: eventLoop) { [weak self] replica in self?.wake(replica) }
        self.mailbox.withLock { $0 = mailbox }
    }

    /// The tracks as viewers are sent them: AAC as the Opus that is made of it.
    func sent(_ tracks: [Track]) -> [Track] {
        guard program != nil else { return tracks }
        return tracks.map { $0.isTranscodable ? $0.transcoded : $0 }
    }

    /// The tracks as a viewer who comes now is told of them: without Opus where making it has failed, or where as many
    /// other streams have it made as may.
    func offered(_ tracks: [Track], of replica: StreamReplica) -> [Track] {
        isResting(replica) || isFull(for: replica) ? tracks : sent(tracks)
    }

    private func isResting(_ replica: StreamReplica) -> Bool { standing.withLock { $0.resting.contains(Key(replica)) } }

    private func isFull(for replica: StreamReplica) -> Bool {
        standing.withLock { !$0.running.contains(Key(replica)) && $0.running.count >= limit }
    }

    /// Why a viewer who comes now will not hear this stream.
    func obstacle(of replica: StreamReplica) -> String {
        guard program != nil else { return "there is no ffmpeg to make Opus of AAC" }
        if isResting(replica) { return "ffmpeg could not make Opus of AAC" }
        return isFull(for: replica)
            ? "as many streams' sound is made Opus as may be" : "this kind of AAC can not be made Opus of"
    }

    /// Somebody will want to hear a stream soon.
    func prepare(_ replica: StreamReplica) { change(replica) { _ in } }

    /// A thread sends the stream from now on.
    func attach(_ replica: StreamReplica, thread: Int) { change(replica) { $0.threads.insert(thread) } }

    /// A thread sends it no more.
    func detach(_ replica: StreamReplica, thread: Int) {
        eventLoop.execute { [self] in
            entries.value[Key(replica)]?.threads.remove(thread)
            note(replica)
        }
    }

    /// Ends what nobody uses. Call about once a second.
    func sweep() {
        eventLoop.execute { [self] in
            let now = SystemClock.now()
            for (key, entry) in entries.value {
                let isUnused = entry.unusedSince.map { now - $0 > Self.linger } ?? false
                if isUnused, !entry.connection.isResting { entry.connection.end() }
                if entry.connection.isOver { forget(key) }
                noteRest(key, entry.connection)
            }
        }
    }

    /// Ends all programs.
    func stop() {
        eventLoop.execute { [self] in
            for entry in entries.value.values { entry.connection.end() }
            entries.value = [:]
            standing.withLock { $0.running = [] }
        }
    }

    /// A viewer who reloads a page is back by then.
    private static let linger: Duration = .seconds(10)
}

extension SoundTable {
    private func change(_ replica: StreamReplica, _ body: @escaping @Sendable (inout Entry) -> Void) {
        guard let program else { return }
        eventLoop.execute { [self] in
            // One that is over belongs to a publisher who is gone; the replica may have another by now.
            let known = entries.value[Key(replica)].flatMap { $0.connection.isOver ? nil : $0 }
            guard var entry = known ?? begin(replica, program) else { return }
            body(&entry)
            entries.value[Key(replica)] = entry
            standing.withLock { _ = $0.running.insert(Key(replica)) }
            note(replica)
            if known == nil { entry.connection.wake() }
        }
    }

    private func forget(_ key: Key) {
        entries.value[key] = nil
        standing.withLock { _ = $0.running.remove(key) }
    }

    private func begin(_ replica: StreamReplica, _ program: String) -> Entry? {
        // Two who came at once may both have been promised the last one.
        guard entries.value[Key(replica)] != nil || entries.value.count < limit else { return nil }
        guard let mailbox = mailbox.withLock({ $0 }) else { return nil }
        let tools = TranscoderTools(program: program, eventLoop: eventLoop, metrics: metrics, log: log)
        let connection = TranscoderConnection(replica, tools, mailbox: mailbox) { [weak self] units, term in
            self?.deliver(units, term, of: replica)
        }
        return Entry(connection: connection)
    }

    private func deliver(_ units: [AccessUnit], _ term: Term, of replica: StreamReplica) {
        for thread in entries.value[Key(replica)]?.threads ?? [] {
            threads.submit(to: thread) { loop, now in loop.receive(sound: units, of: term, for: replica, now: now) }
        }
    }

    private func wake(_ replica: StreamReplica) { entries.value[Key(replica)]?.connection.wake() }

    private func note(_ replica: StreamReplica) {
        guard let entry = entries.value[Key(replica)] else { return }
        entries.value[Key(replica)]?.unusedSince =
            entry.threads.isEmpty ? entry.unusedSince ?? SystemClock.now() : nil
    }

    private func noteRest(_ key: Key, _ connection: TranscoderConnection) {
        let isResting = connection.isResting && !connection.isOver
        standing.withLock { standing in
            if isResting { standing.resting.insert(key) } else { standing.resting.remove(key) }
        }
    }
}

extension Track {
    /// Whether its sound can be put to the program.
    fileprivate var isTranscodable: Bool {
        guard case .audio(let audio) = parameters else { return false }
        return ADTSWriter(audio) != nil
    }

    /// The same track as the program makes it.
    fileprivate var transcoded: Track { Track(id: id, rendition: rendition, parameters: .audio(.transcoded)) }
}
