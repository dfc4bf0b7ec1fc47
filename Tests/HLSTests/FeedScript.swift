// SPDX-License-Identifier: Apache-2.0

import Bytes
import Feed
import HLS
import Identity
import Media
import TestKit

/// A feed as a test writes it down: segments of parts of 25 pictures a second and 48 kHz AAC, marks included.
struct FeedScript {
    struct Entry {
        let record: FeedRecord
        let position: FeedPosition
        /// Where the entry's term goes on from; nil where it goes on from nothing.
        let continues: FeedPosition?
    }

    private(set) var entries: [Entry] = []
    private(set) var term = Term(number: 0x19a, salt: 0xbeef)
    var msn: UInt64 = 100
    var partTarget: Duration? = .milliseconds(500)
    var targetDuration = 2
    var cdnBase: String?
    var packaging: UInt8 = 1
    var tracks: [Track] = [Self.video(), Self.audio()]

    private var number: UInt64 = 0
    private var continues: FeedPosition?
    private var begun = 0
    private var part = 0
    private var fragment: UInt32 = 1
    private var videoTime: Int64 = 0
    private var audioTime: Int64 = 0
    private var wall = WallTime(milliseconds: 1_795_000_000_000)
    private var discontinuities: UInt64 = 0
    private var parametersNumber: UInt32 = 0
    private var payloadSeed: UInt8 = 0

    init(tracks: [Track] = [Self.video(), Self.audio()], partTarget: Duration? = .milliseconds(500)) {
        self.tracks = tracks
        self.partTarget = partTarget
        append(.parameters(Parameters(number: 0, tracks: tracks)))
    }

    static func video(
        _ rendition: RenditionName = .main, id: UInt8 = 1, frameRate: Double? = 25,
        size: (width: UInt32, height: UInt32) = (1280, 720)
    ) -> Track {
        Track(
            id: TrackID(id), rendition: rendition,
            parameters: .video(
                VideoParameters(
                    codec: .h264, record: avcRecord[...], width: size.width, height: size.height, frameRate: frameRate,
                    codecString: "avc1.64001f")))
    }

    static func audio(_ rendition: RenditionName = .main, id: UInt8 = 2) -> Track {
        Track(
            id: TrackID(id), rendition: rendition,
            parameters: .audio(
                AudioParameters(
                    codec: .aac, record: [0x11, 0x90], sampleRate: 48_000, channels: 2, codecString: "mp4a.40.2",
                    samplesPerUnit: 1024)))
    }

    /// An `avcC` body with a High profile SPS and a PPS.
    static let avcRecord: [UInt8] = [
        1, 0x64, 0, 0x1f, 0xff, 0xe1, 0, 10, 0x67, 0x64, 0, 0x1f, 0xac, 0xd9, 0x40, 0x50, 5, 0xbb, 1, 0, 4, 0x68, 0xeb,
        0xec, 0xb2,
    ]

    // MARK: Writing

    mutating func append(_ record: FeedRecord) {
        let position = FeedPosition(term: term, number: number)
        entries.append(Entry(record: record, position: position, continues: continues))
        number += 1
    }

    /// A segment of `parts` of 500 ms each, closed by the last one.
    mutating func segment(parts: Int = 4, isDiscontinuity: Bool = false, isIndependent: Bool = true) {
        begin(isDiscontinuity: isDiscontinuity)
        for index in 0..<parts {
            part(closes: index == parts - 1, isIndependent: index == 0 && isIndependent)
        }
    }

    mutating func segments(_ count: Int) {
        for _ in 0..<count { segment() }
    }

    mutating func begin(isDiscontinuity: Bool = false) {
        discontinuities += isDiscontinuity ? 1 : 0
        part = 0
        var times: [TrackTime] = []
        for track in tracks {
            times.append(TrackTime(track: track.id, ticks: track.codec.isVideo ? videoTime : audioTime))
        }
        append(
            .segmentStart(
                SegmentStart(
                    msn: msn, firstDecodeTimes: times, firstFragmentNumber: fragment, programDateTime: wall,
                    discontinuitySequence: discontinuities, isDiscontinuity: isDiscontinuity,
                    parameters: parametersNumber, targetDuration: begun < 2 ? nil : targetDuration,
                    partTarget: partTarget, packaging: packaging, cdnBase: cdnBase)))
        begun += 1
    }

    /// A part of `frames` pictures of 40 ms, of all layers but those that are missing.
    mutating func part(
        closes: Bool = false, isIndependent: Bool = false, frames: Int = 12, extra: Duration = .zero,
        without missing: Set<TrackID> = []
    ) {
        for frame in 0..<frames {
            for track in tracks where track.codec.isVideo && !missing.contains(track.id) {
                unit(
                    track, time: videoTime + Int64(frame) * 3600, isRandomAccess: frame == 0 && isIndependent, size: 900
                )
            }
        }
        let duration = Duration.milliseconds(40) * frames + extra
        videoTime += duration.ticks(.video)
        while Double(audioTime) / 48_000 < Double(videoTime) / 90_000 {
            for track in tracks where !track.codec.isVideo {
                unit(track, time: audioTime, isRandomAccess: true, size: 40)
            }
            audioTime += 1024
        }
        mark(duration, closes: closes, isIndependent: isIndependent)
    }

    private mutating func mark(_ duration: Duration, closes: Bool, isIndependent: Bool) {
        let ends = tracks.map { TrackTime(track: $0.id, ticks: $0.codec.isVideo ? videoTime : audioTime) }
        append(
            .partEnd(
                PartEnd(
                    position: PartPosition(msn: msn, part: part), ends: ends, duration: duration,
                    isIndependent: isIndependent, closesSegment: closes)))
        part += 1
        fragment += duration > .zero ? 1 : 0
        wall = wall.advanced(by: duration)
        if closes { msn += 1 }
    }

    private mutating func unit(_ track: Track, time: Int64, isRandomAccess: Bool, size: Int) {
        payloadSeed &+= 1
        let payload = [UInt8](repeating: payloadSeed, count: size + Int(payloadSeed))
        append(
            .accessUnit(
                AccessUnit(
                    track: track.id, decodeTime: MediaTime(ticks: time, timescale: track.timescale),
                    isRandomAccess: isRandomAccess, payload: payload[...])))
    }

    /// The open segment ends by a mark without media.
    mutating func cutOff() { mark(.zero, closes: true, isIndependent: false) }

    mutating func gap(_ duration: Duration = .seconds(2)) {
        append(.gap(Gap(msn: msn, duration: duration)))
        msn += 1
        wall = wall.advanced(by: duration)
        videoTime += duration.ticks(.video)
        audioTime += duration.ticks(Timescale(48_000))
    }

    mutating func changeParameters(_ tracks: [Track]) {
        self.tracks = tracks
        parametersNumber += 1
        append(.parameters(Parameters(number: parametersNumber, tracks: tracks)))
    }

    /// Another gateway takes over, so many terms above: the open segment ends after the parts written so far. One that
    /// begins anew goes on from nothing.
    mutating func takeOver(above terms: UInt64 = 1, isAnew: Bool = false) {
        continues = isAnew ? nil : FeedPosition(term: term, number: number)
        term = Term(number: term.number + terms, salt: 7)
        number = 0
        parametersNumber = 0
        if part > 0, !isClosed { msn += 1 }
        append(.parameters(Parameters(number: 0, tracks: tracks)))
    }

    /// The stream ended and begins anew, with a target duration of its own.
    mutating func beginAnew(targetDuration: Int) {
        append(.end(.publisherGone))
        takeOver(isAnew: true)
        begun = 0
        self.targetDuration = targetDuration
    }

    /// The publisher is gone for a while: civil time goes on, media time does not.
    mutating func pause(_ duration: Duration) { wall = wall.advanced(by: duration) }

    private var isClosed: Bool {
        for entry in entries.reversed() {
            switch entry.record {
            case .partEnd(let mark): return mark.closesSegment
            case .segmentStart: return false
            default: continue
            }
        }
        return true
    }

    // MARK: Reading

    /// A window that took everything and committed it at once.
    func window(_ settings: MediaWindowSettings = MediaWindowSettings(), from start: Int = 0) -> MediaWindow {
        var window = MediaWindow(stream: Self.stream, settings: settings)
        play(into: &window, from: start)
        return window
    }

    /// Plays entries from `start` on, after the parameters that stand before it.
    func play(into window: inout MediaWindow, from start: Int = 0) {
        for entry in entries[..<start] {
            if case .parameters = entry.record { window.append(entry.record, at: entry.position) }
        }
        for entry in entries[start...] { Self.play(entry, into: &window) }
    }

    static func play(_ entry: Entry, into window: inout MediaWindow) {
        if window.term.map({ $0 < entry.position.term }) ?? true { window.goOn(from: entry.continues) }
        window.append(entry.record, at: entry.position)
        if case .partEnd(let mark) = entry.record { window.commit(upTo: mark.position) }
        if case .gap(let gap) = entry.record { window.commit(upTo: PartPosition(msn: gap.msn, part: 0)) }
    }

    /// Whether an entry moves what is listed.
    static func isMark(_ entry: Entry) -> Bool {
        switch entry.record {
        case .accessUnit, .parameters, .stored: false
        case .end, .gap, .partEnd, .segmentStart: true
        }
    }

    /// Where segments begin.
    var starts: [Int] {
        entries.indices.filter { if case .segmentStart = entries[$0].record { true } else { false } }
    }

    /// Every part and gap, in order, with the term that bore it.
    var positions: [(position: PartPosition, term: Term)] {
        entries.compactMap { entry in
            switch entry.record {
            case .partEnd(let mark): mark.hasMedia ? (mark.position, entry.position.term) : nil
            case .gap(let gap): (PartPosition(msn: gap.msn, part: 0), entry.position.term)
            default: nil
            }
        }
    }

    static let stream: StreamID = {
        guard let stream = try? StreamID(app: "live", name: "cam") else { preconditionFailure("a name of ours") }
        return stream
    }()
}

extension FeedScript {
    /// A life with everything in it: short and long segments, forced cuts, pauses, discontinuities, changes of
    /// parameters and of gateway, gaps.
    static func random(seed: UInt64, segments: Int = 40, partTarget: Duration? = .milliseconds(500)) -> FeedScript {
        var random = SeededRandom(seed)
        var script = FeedScript(partTarget: partTarget)
        for index in 0..<segments {
            let isDiscontinuity = index > 2 && random.chance(10)
            if isDiscontinuity, random.chance(50) { script.changeParameters([video(frameRate: 25), audio()]) }
            script.begin(isDiscontinuity: isDiscontinuity)
            let parts = 1 + Int(random.next() % 4)
            let isTakenOver = index > 3 && random.chance(8)
            let isCutOff = !isTakenOver && random.chance(15)
            let isIndependent = !random.chance(10)
            for part in 0..<parts {
                script.part(
                    closes: part == parts - 1 && !isTakenOver && !isCutOff, isIndependent: part == 0 && isIndependent,
                    frames: part == parts - 1 ? 1 + Int(random.next() % 12) : 12,
                    extra: .nanoseconds(Int(random.next() % 3)))
            }
            if isCutOff { script.cutOff() }
            if isTakenOver { script.takeOver() }
            if isTakenOver, random.chance(50) { script.pause(.seconds(3)) }
            if index > 5, !isTakenOver, random.chance(6) { script.gap() }
        }
        return script
    }
}

extension FeedScript {
    /// What a real sequencer makes of a publisher whose rate, groups and presence vary: it pauses, stalls until the timer
    /// ends a part and leaves then, so that segments are ended by marks without media.
    static func sequenced(seed: UInt64) -> FeedScript {
        var random = SeededRandom(seed)
        let settings = SequencerSettings(
            segmentTarget: .seconds(1 + Int(random.next() % 2)),
            partTarget: random.chance(20) ? nil : .milliseconds(random.chance(50) ? 500 : 333))
        var script = FeedScript(recordsOf: Term(number: 0x19a, salt: 0xbeef))
        var sequencer = Sequencer(settings: settings, term: script.term, firstMSN: 100)
        var records: [FeedRecord] = []
        var now: Duration = .zero
        for _ in 0..<8 {
            var media = SyntheticMedia()
            media.frameRate = (random.chance(20) ? 10 : random.chance(50) ? 25 : 30, 1)
            media.framesPerGroup = 20 + Int64(random.next() % 50)
            media.start = now
            let wall = WallTime(milliseconds: 1_795_000_000_000)
            sequencer.publisherReturned(now: now)
            for track in media.tracks {
                let sets = track == .audio ? Self.audio().parameters : Self.video(frameRate: nil).parameters
                sequencer.parameters(sets, for: track, now: now, wall: wall.advanced(by: now), into: &records)
            }
            let beginning = now
            // Half of them go quiet where the timer can end the part, and leave with nothing in the next.
            let length = Duration.milliseconds(3000 + Int64(random.next() % 9000))
            let goesQuiet = random.chance(50)
            for event in media.events(for: length + .seconds(3)) {
                if event.time > length, !goesQuiet || sequencer.nextDeadline != nil { break }
                now = beginning + event.time
                sequencer.append(event.unit, now: now, wall: wall.advanced(by: now), into: &records)
            }
            if goesQuiet, let deadline = sequencer.nextDeadline {
                now = max(now, deadline)
                sequencer.tick(now: now, wall: wall.advanced(by: now), into: &records)
            }
            sequencer.publisherLeft(now: now, into: &records)
            now += .seconds(2)
        }
        for record in records { script.append(record) }
        return script
    }

    /// A script to which records are only appended.
    private init(recordsOf term: Term) {
        self.init()
        self.term = term
        entries = []
        number = 0
    }

    /// Marks that end a segment and have no media.
    var closingMarks: Int {
        entries.count { if case .partEnd(let mark) = $0.record { !mark.hasMedia } else { false } }
    }

    /// Written by hand for even seeds, by a sequencer for odd ones.
    static func any(seed: UInt64) -> FeedScript { seed.isMultiple(of: 2) ? random(seed: seed) : sequenced(seed: seed) }
}

/// SplitMix64, so that a test's seed says everything.
struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    mutating func chance(_ percent: UInt64) -> Bool { next() % 100 < percent }
}
