// SPDX-License-Identifier: Apache-2.0

import Feed
import Identity
import Media
import TestKit
import Testing

@Suite("A publisher of layers")
struct LayerTests {
    @Test("has the same parts in every layer, and random access points where segments begin")
    func aligned() {
        var harness = FeedHarness()
        harness.publish(Layer.all, for: .seconds(12))
        let feed = harness.feed
        feed.check(SequencerSettings(), "layers")
        feed.checkLayers("layers")
        #expect(feed.segments.count == 6)
        for segment in feed.segments {
            #expect(segment.leading.id == Layer.low.id)
            #expect(segment.parameters.tracks.map(\.id.number) == [1, 2, 3, 4])
            for layer in Layer.all {
                let units = segment.units.filter { $0.track == layer.id }
                #expect(units.count == segment.leadingUnits.count)
                #expect(units.first?.isRandomAccess == true)
                #expect(units.map(\.decodeTime) == segment.leadingUnits.map(\.decodeTime))
            }
        }
    }

    @Test("loses a layer and gets it back without a discontinuity")
    func comesAndGoes() {
        var harness = FeedHarness()
        harness.publish([Layer.low, Layer.middle], for: .seconds(8))
        harness.publish(Layer.all, for: .seconds(8))
        harness.publish([Layer.low, Layer.middle], for: .seconds(8))
        harness.publish(Layer.all, for: .seconds(8))
        let feed = harness.feed
        feed.check(SequencerSettings(), "layers")
        feed.checkLayers("layers")
        #expect(feed.segments.allSatisfy { !$0.start.isDiscontinuity })
        let present = feed.segments.map { $0.parameters.tracks.contains { $0.id == Layer.high.id } }
        let (there, gone) = ([Bool](repeating: true, count: 4), [Bool](repeating: false, count: 2))
        #expect(present == gone + gone + there + [true, true] + gone + there)
        #expect(harness.sequencer.counters.layerChanges == 3)
        #expect(harness.sequencer.counters.discontinuities == 0)
        for segment in feed.segments where segment.isClosed { #expect(segment.leadingUnits.count == 60) }
    }

    @Test("that comes back with other parameters makes a discontinuity")
    func changed() {
        var harness = FeedHarness()
        harness.publish(Layer.all, for: .seconds(6))
        harness.publish([Layer.low, Layer.middle], for: .seconds(8))
        var other = Layer.high
        other.width = 960
        harness.publish([Layer.low, Layer.middle, other], for: .seconds(6))
        #expect(harness.feed.segments.count { $0.start.isDiscontinuity } == 1)
        harness.feed.checkLayers("another size")
    }

    @Test("goes on with the next larger layer where the smallest stops")
    func leading() {
        var harness = FeedHarness()
        harness.publish(Layer.all, for: .seconds(6))
        harness.publish([Layer.middle, Layer.high], for: .seconds(14))
        let feed = harness.feed
        feed.checkLayers("leading")
        #expect(feed.segments.last?.leading.id == Layer.middle.id)
        #expect(feed.segments.allSatisfy { !$0.start.isDiscontinuity })
        #expect(feed.segments.filter(\.isClosed).suffix(3).allSatisfy { $0.leadingUnits.count == 60 })
        // What was sent while nobody led is missing, and no time of it was taken away.
        let last = feed.segments.last?.units.last?.decodeTime.seconds ?? 0
        #expect(last > 17.5)
    }

    @Test("whose layer loses a part has it from its next random access point on")
    func hole() {
        var harness = FeedHarness()
        harness.publish(Layer.all, for: .seconds(8)) { unit, time in
            unit.track != Layer.high.id || !(Duration.milliseconds(2500)..<Duration.milliseconds(3200)).contains(time)
        }
        let feed = harness.feed
        feed.checkLayers("hole")
        let units = feed.segments[1].units.filter { $0.track == Layer.high.id }
        #expect(units.count == 15)
        #expect(feed.segments[2].units.count { $0.track == Layer.high.id } == 60)
        #expect(harness.sequencer.counters.unitsOfAbsentLayers == 24)
        #expect(harness.sequencer.counters.layerChanges == 0)
    }

    @Test("goes on at once where its publisher comes back with the smallest layer only")
    func returns() {
        var harness = FeedHarness()
        harness.publish(Layer.all, for: .seconds(6))
        harness.leave()
        harness.sequencer.publisherReturned(now: harness.clock.now)
        harness.publish([Layer.low], for: .seconds(4))
        harness.publish(Layer.all, for: .seconds(4))
        let feed = harness.feed
        feed.checkLayers("return")
        #expect(feed.segments.allSatisfy { !$0.start.isDiscontinuity })
        #expect(feed.segments.last?.parameters.tracks.count == 4)
    }

    @Test("keeps the rules whatever its layers do", arguments: 0..<40 as Range<UInt64>)
    func anything(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var harness = FeedHarness()
        for _ in 0..<8 {
            let layers = Layer.all.filter { $0.id == Layer.low.id || Bool.random(using: &random) }
            let loss = Double.random(in: 0...0.3, using: &random)
            harness.publish(layers, for: .milliseconds(Int.random(in: 500...7000, using: &random))) { unit, _ in
                unit.track == Layer.low.id || LinkModel.chance(1 - loss, using: &random)
            }
        }
        harness.feed.check(SequencerSettings(), "seed \(seed)")
        harness.feed.checkLayers("seed \(seed)")
    }
}

@Suite("The best layer")
struct BestLayerTests {
    private func unit(_ layer: Layer, _ milliseconds: Int, key: Bool = false) -> AccessUnit {
        AccessUnit(
            track: layer.id, decodeTime: MediaTime(ticks: Int64(milliseconds) * 90, timescale: .video),
            isRandomAccess: key, payload: [layer.id.number])
    }

    /// Which layer each unit that is sent is of, `!` where the tracks come before it.
    private func run(_ best: inout BestLayer, _ units: [AccessUnit]) -> String {
        units.map { unit in
            switch best.take(unit) {
            case .passedOver: "-"
            case .sent(let unit): "\(unit.payload.first ?? 0)"
            case .switched(let unit): "!\(unit.payload.first ?? 0)"
            }
        }.joined()
    }

    @Test("is the only one of a stream without layers, as it came")
    func one() {
        var best = BestLayer()
        let tracks = [Track(id: .video, parameters: SyntheticParameters.h264())]
        best.change(tracks)
        #expect(best.tracks == tracks)
        #expect(best.take(unit(.high, 0)) == .sent(unit(.high, 0)))
    }

    @Test("is the largest, from its random access point on, under the number of the first")
    func largest() {
        var best = BestLayer()
        best.change(Layer.tracks(Layer.all))
        #expect(best.tracks.map(\.id) == [.video, .audio])
        let moment = [unit(.low, 0, key: true), unit(.middle, 0, key: true), unit(.high, 0, key: true)]
        #expect(run(&best, moment + [unit(.low, 33), unit(.middle, 33), unit(.high, 33)]) == "--1--1")
        var next = unit(.high, 66)
        #expect(best.take(next) == .sent(next))
        next.track = TrackID(9)
        #expect(best.take(next) == .sent(next))
    }

    @Test("is a smaller one after a second without it, and again the largest when that is back")
    func falls() {
        var best = BestLayer()
        best.change(Layer.tracks(Layer.all))
        #expect(run(&best, [unit(.low, 0, key: true), unit(.high, 0, key: true)]) == "-1")
        #expect(run(&best, [unit(.low, 1000, key: true), unit(.low, 1033), unit(.middle, 2000, key: true)]) == "--!3")
        #expect(run(&best, [unit(.low, 2033), unit(.middle, 2033), unit(.high, 2100)]) == "-3-")
        #expect(run(&best, [unit(.middle, 3000), unit(.middle, 3966)]) == "33")
        #expect(run(&best, [unit(.low, 4000, key: true), unit(.middle, 4000, key: true)]) == "-3")
        #expect(run(&best, [unit(.high, 4000, key: true), unit(.middle, 4033)]) == "!1-")
    }

    @Test("stays where a smaller one comes a little later, or on a clock a little behind")
    func late() {
        var best = BestLayer()
        best.change(Layer.tracks(Layer.all))
        let moment = [unit(.high, 2000, key: true), unit(.middle, 1999, key: true), unit(.low, 1001, key: true)]
        #expect(run(&best, moment) == "1--")
        #expect(run(&best, [unit(.high, 2033), unit(.middle, 2000, key: true), unit(.high, 2066)]) == "1-1")
        #expect(run(&best, [unit(.low, 1000, key: true)]) == "!4")
    }

    @Test("is another at once where it has left the tracks")
    func leaves() {
        var best = BestLayer()
        best.change(Layer.tracks(Layer.all))
        #expect(run(&best, [unit(.high, 0, key: true)]) == "1")
        best.change(Layer.tracks([.low, .middle]))
        #expect(best.tracks.first?.parameters == Layer.middle.track.parameters)
        #expect(run(&best, [unit(.low, 100, key: true), unit(.middle, 100, key: true)]) == "-3")
    }
}

/// A layer as Chromium names and numbers it: the largest first.
struct Layer {
    let id: TrackID
    let name: String
    var width: UInt32
    let height: UInt32

    static let high = Layer(id: .video, name: "main", width: 1280, height: 720)
    static let middle = Layer(id: TrackID(3), name: "m", width: 640, height: 360)
    static let low = Layer(id: TrackID(4), name: "l", width: 320, height: 180)
    static let all = [high, middle, low]

    var track: Track {
        guard case .video(let video) = SyntheticParameters.h264(), let name = RenditionName(parsing: name) else {
            preconditionFailure("a track of ours")
        }
        let sized = VideoParameters(
            codec: .h264, record: video.record, width: width, height: height, frameRate: 30,
            codecString: video.codecString)
        return Track(id: id, rendition: name, parameters: .video(sized))
    }

    static func tracks(_ layers: [Layer]) -> [Track] {
        (layers.map(\.track) + [Track(id: .audio, parameters: SyntheticParameters.aac())]).sorted { $0.id < $1.id }
    }
}

extension FeedHarness {
    /// Publishes layers of the same pictures from now on, the smallest first as `LayerOrder` brings them. The parameters of
    /// a layer come with it.
    mutating func publish(
        _ layers: [Layer], for duration: Duration, keep: (AccessUnit, Duration) -> Bool = { _, _ in true }
    ) {
        let beginning = clock.now
        var media = SyntheticMedia()
        media.rounding = .none
        media.start = beginning
        announce(media.parameters(.audio), for: .audio)
        for layer in layers { announce(layer.track) }
        for event in media.events(for: duration) {
            guard event.unit.track == .video else {
                send(event.unit, at: beginning + event.time)
                continue
            }
            for layer in layers.sorted(by: { $0.width < $1.width }) {
                var unit = event.unit
                unit.track = layer.id
                if keep(unit, event.time) { send(unit, at: beginning + event.time) }
            }
        }
        wait(until: beginning + duration)
    }
}

extension FeedReading {
    /// Holds all layers against what players need: parts begin where the mark before says, a layer that is missing comes
    /// back with a random access point, and no unit is of a layer that the parameters do not name.
    func checkLayers(_ context: String) {
        var isIn: [TrackID: Bool] = [:]
        for segment in segments {
            var begins = segment.start.firstDecodeTimes
            for part in segment.parts {
                for track in segment.parameters.tracks where track.codec.isVideo {
                    let units = part.units.filter { $0.track == track.id }
                    let begin = begins.first { $0.track == track.id }?.ticks
                    if let first = units.first {
                        #expect(first.decodeTime.ticks == begin, "\(part.end.position) \(track.id) \(context)")
                        let goesOn = isIn[track.id] ?? false
                        #expect(goesOn || first.isRandomAccess, "\(part.end.position) \(track.id) \(context)")
                        isIn[track.id] = true
                    } else if part.end.duration * 2 >= segment.start.partTarget ?? .zero {
                        isIn[track.id] = false
                    }
                }
                let known = Set(segment.parameters.tracks.map(\.id))
                #expect(part.units.allSatisfy { known.contains($0.track) }, "\(part.end.position) \(context)")
                begins = part.end.ends
            }
        }
    }
}
