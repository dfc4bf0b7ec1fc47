// SPDX-License-Identifier: Apache-2.0

import Identity
import Media
import NIOCore
import Processes
import Replica
import Sound
import Telemetry
import Transport

/// One stream's AAC through a program that makes Opus of it, for all WHEP viewers of the node. Confined to its event loop.
///
/// Only what is live is transcoded: what the replica holds at the beginning is passed over. What comes out has the times of
/// what went in, as the feed says them.
final class TranscoderConnection {
    let replica: StreamReplica
    /// What comes out: units of one term.
    private let deliver: ([AccessUnit], Term) -> Void
    private let tools: TranscoderTools
    private var session = TranscoderSession()
    private var subscription: FeedSubscription?
    private var process: ProcessConnection?
    /// Of the program whose output counts.
    private var generation = 0
    private var sound: (track: TrackID, writer: ADTSWriter, unit: Int64, timescale: Timescale)?
    private var term: Term?
    private var termBegan: Duration = .zero
    private var timeline = SoundTimeline()
    private var decoder = OpusFromOgg()
    private var isLive = false
    private(set) var isOver = false

    init(
        _ replica: StreamReplica, _ tools: TranscoderTools, mailbox: LoopMailbox,
        deliver: @escaping ([AccessUnit], Term) -> Void
    ) {
        self.replica = replica
        self.tools = tools
        self.deliver = deliver
        var settings = PlaySettings()
        settings.maximumLag = .seconds(4)
        settings.movesTimes = false
        subscription = FeedSubscription(replica: replica, mailbox: mailbox, viewer: 0, sink: self, settings: settings)
    }

    /// Whether it failed so often that nobody is to be told of sound for a while.
    var isResting: Bool { session.isResting }

    /// The replica has changed, or all begins.
    func wake() { subscription?.pump() }

    /// Nobody listens any more.
    func end() {
        isOver = true
        subscription?.close()
        if process != nil { drop(.unused) }
    }
}

/// What every transcoder of a node is given.
struct TranscoderTools {
    /// The path of ffmpeg.
    let program: String
    let eventLoop: any EventLoop
    let metrics: TranscoderMetrics
    let log: RealTimeLog

    /// ADTS in, Opus in Ogg out, both by pipe, nothing kept back on the way.
    ///
    /// Packets are 20 ms, each a page of its own; the muxer holds one page back until the next is there.
    static let arguments = [
        "-hide_banner", "-loglevel", "error", "-nostdin", "-probesize", "32", "-analyzeduration", "0", "-fflags",
        "nobuffer", "-flags", "low_delay", "-f", "aac", "-i", "pipe:0", "-map", "0:a:0", "-c:a", "libopus", "-b:a",
        "96k", "-application", "lowdelay", "-frame_duration", "20", "-ar", "48000", "-ac", "2", "-flush_packets", "1",
        "-page_duration", "20000", "-f", "ogg", "pipe:1",
    ]
}

// MARK: - The program

extension TranscoderConnection {
    private func obey(_ directive: TranscoderSession.Directive?) {
        switch directive {
        case .kill: process?.kill()
        case .start: start()
        case nil: break
        }
    }

    private func start() {
        generation += 1
        let number = generation
        tools.metrics.starts.add()
        ProcessConnection.start(
            tools.program, TranscoderTools.arguments, on: tools.eventLoop,
            started: { [weak self] result in
                switch result {
                case .success(let process): self?.started(process, number) ?? process.kill()
                case .failure(let error): self?.lose("not started", "\(error)", number)
                }
            },
            output: { [weak self] bytes in self?.produce(bytes, number) },
            ended: { [weak self] ending in self?.lose("\(ending.status)", ending.lastWords, number) })
    }

    private func started(_ process: ProcessConnection, _ number: Int) {
        guard number == generation, !isOver else { return process.end() }
        self.process = process
        (timeline, decoder) = (SoundTimeline(), OpusFromOgg())
        session.started(now: SystemClock.now())
        tools.metrics.running.add(1)
    }

    private func lose(_ status: String, _ words: String, _ number: Int) {
        guard number == generation, !isOver else { return }
        drop(session.hasHung ? .hung : .failed)
        session.ended(now: SystemClock.now())
        tools.log.warning(
            "the program that transcodes a stream's sound has ended", replica.id,
            ["status": status, "said": words.trimmedEnd, "tried_again": session.isResting ? "in a minute" : "soon"])
        tickWhenDue()
    }

    private func tickWhenDue() {
        guard let deadline = session.nextDeadline else { return }
        let wait = TimeAmount(max(.zero, deadline - SystemClock.now()))
        tools.eventLoop.assumeIsolated().scheduleTask(in: wait) { [weak self] in
            guard let self, !self.isOver else { return }
            self.obey(self.session.tick(now: SystemClock.now()))
            self.tickWhenDue()
        }
    }

    /// Has no program any more.
    private func drop(_ reason: TranscoderEnd) {
        generation += 1
        if let process {
            process.end()
            tools.metrics.running.add(-1)
        }
        process = nil
        tools.metrics.ended(reason)
    }

    private func produce(_ bytes: ByteBuffer, _ number: Int) {
        guard number == generation, let sound, let term else { return }
        decoder.append(bytes.readableBytesView)
        guard let packets = try? decoder.packets() else { return obey(session.failed()) }
        guard !packets.isEmpty else { return }
        session.produced()
        let now = SystemClock.now()
        let units = packets.compactMap { packet -> AccessUnit? in
            guard let place = timeline.place(packet.position, samples: packet.samples), place.arrival >= termBegan
            else { return nil }
            tools.metrics.delay.observe(now - place.arrival)
            return AccessUnit(
                track: sound.track, decodeTime: place.time, isRandomAccess: true, payload: packet.payload)
        }
        if !units.isEmpty { deliver(units, term) }
    }
}

// MARK: - RecordSink

extension TranscoderConnection: RecordSink {
    /// What the program does not take is dropped.
    var isWritable: Bool { true }

    func begin(_ term: Term) {
        self.term = term
        termBegan = SystemClock.now()
    }

    func write(_ tracks: [Track]) {
        let before = sound?.writer
        sound = nil
        for track in tracks {
            guard case .audio(let audio) = track.parameters, let writer = ADTSWriter(audio) else { continue }
            sound = (track.id, writer, Int64(audio.samplesPerUnit ?? 1024), track.timescale)
            break
        }
        guard before != sound?.writer else { return }
        // A decoder that was begun with another sound is not trusted to go on.
        if before != nil {
            drop(.changed)
            session = TranscoderSession()
        }
        if sound != nil { obey(session.begin()) }
    }

    func write(_ unit: AccessUnit) {
        guard isLive, let sound, unit.track == sound.track, let process else { return }
        var bytes: [UInt8] = []
        guard sound.writer.append(unit.payload, to: &bytes) else { return tools.metrics.unitsDropped.add() }
        if process.write(bytes) {
            timeline.feed(unit.decodeTime, samples: sound.unit, now: SystemClock.now())
        } else {
            tools.metrics.unitsDropped.add()
        }
        obey(session.fed(MediaTime(ticks: sound.unit, timescale: sound.timescale).duration))
    }

    func flush() { isLive = true }

    func finish() { end() }
}

extension String {
    fileprivate var trimmedEnd: String {
        var text = self[...]
        while text.last?.isWhitespace == true { text.removeLast() }
        return String(text)
    }
}
