// SPDX-License-Identifier: Apache-2.0

import Bytes
import CMAF
import Feed
import Media
import Testing

@Suite("A fragment writer")
struct FragmentWriterTests {
    @Test("writes these bytes for two pictures and one packet of sound")
    func golden() {
        let golden = [
            "00000018737479706d736468000000006d73646869736f36",  // styp
            "000000c06d6f6f66",  // moof
            "000000106d6668640000000000000007",  // mfhd
            "0000005c74726166",  // traf
            "0000001874666864000200280000000100000bb801010000",  // tfhd
            "0000001474666474010000000000000000015f90",  // tfdt
            "000000287472756e01000a0500000002000000c8020000000000000200000bb800000001fffff448",  // trun
            "0000004c74726166",  // traf
            "000000187466686400020028000000020000040002000000",  // tfhd
            "000000147466647401000000000000000000bb80",  // tfdt
            "000000187472756e0100020100000001000000cb00000001",  // trun
            "0000000c6d646174aabbddcc",  // mdat
        ].joined()
        #expect(FragmentWriter.write(Self.small).hex == golden)
        #expect(FragmentWriter.byteCount(of: Self.small) == golden.count / 2)
    }

    @Test(
        "writes between styp and moof, in version 2, when the first sample was, by the clock of UTC",
        arguments: [
            // 2026-11-21T10:00:00 at the picture, whose presentation is that of the reference.
            ([.video, .audio], 1_795_255_200_000, "00000001" + "eeabea2000000000" + "0000000000016b48"),
            // A packet that is heard a thirtieth of a second before it.
            ([.audio], 1_795_255_200_000, "00000002" + "eeabea1ff7777778" + "000000000000bb80"),
            // Half a second before 1970, and a moment in NTP's next era.
            ([.video], -500, "00000001" + "83aa7e7f80000000" + "0000000000016b48"),
            ([.video], 2_085_978_496_250, "00000001" + "0000000040000000" + "0000000000016b48"),
        ] as [([TrackID], Int64, String)])
    func referenceTime(tracks: [TrackID], civil: Int64, golden: String) {
        var fragment = Self.small
        fragment.tracks = tracks
        let former = FragmentWriter.write(fragment).hex
        fragment.packaging = 2
        #expect(FragmentWriter.write(fragment).hex == former)
        fragment.reference = Self.reference(civil)
        let box = "00000020" + "70726674" + "01000018" + golden
        #expect(FragmentWriter.write(fragment).hex == former.prefix(48) + box + former.dropFirst(48))
        fragment.isFirstInSegment = false
        #expect(FragmentWriter.write(fragment).hex == former.dropFirst(48))
        fragment.packaging = 1
        fragment.isFirstInSegment = true
        #expect(FragmentWriter.write(fragment).hex == former)
    }

    @Test("differs in its second version by that box alone", arguments: 0..<50 as Range<UInt64>)
    func secondVersion(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var stream = RandomStream(using: &random)
        for index in 0..<6 {
            var fragment = stream.nextPart(isFirst: index < 3, sequenceNumber: UInt32(index), using: &random)
            let former = FragmentWriter.write(fragment)
            fragment.packaging = 2
            fragment.reference = Self.reference(Int64.random(in: .min ... .max, using: &random))
            let bytes = FragmentWriter.write(fragment)
            #expect(bytes.count == FragmentWriter.byteCount(of: fragment), "seed \(seed)")
            let boxes = Array(BoxReader(bytes[...]))
            #expect(boxes.filter { $0.type != .prft }.flatMap(\.whole) == former, "seed \(seed)")
            #expect(boxes.map(\.type).firstIndex(of: .prft) == (index < 3 ? 1 : nil), "seed \(seed)")
            let payloads = FragmentWriter.payloads(of: fragment, in: bytes)
            #expect(payloads == fragment.units.map(\.payload), "seed \(seed)")
        }
    }

    @Test("keeps times continuous, sizes whole and offsets true over random parts", arguments: 0..<50 as Range<UInt64>)
    func properties(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        var stream = RandomStream(using: &random)
        for index in 0..<6 {
            let fragment = stream.nextPart(isFirst: index == 0, sequenceNumber: UInt32(index), using: &random)
            let bytes = FragmentWriter.write(fragment)
            #expect(bytes.count == FragmentWriter.byteCount(of: fragment), "seed \(seed)")
            let boxes = Array(BoxReader(bytes[...]))
            #expect(boxes.map(\.type) == (index == 0 ? [.styp, .moof, .mdat] : [.moof, .mdat]), "seed \(seed)")
            let moof = try #require(boxes.first { $0.type == .moof })
            let movie = try MovieFragment(moof)
            #expect(movie.sequenceNumber == UInt32(index))
            #expect(
                movie.tracks.map(\.track) == fragment.tracks.filter { id in fragment.units.contains { $0.track == id } }
            )
            for track in movie.tracks { try Self.check(track, of: fragment, bytes, moof.whole.startIndex, seed) }
            #expect(movie.tracks.reduce(0) { $0 + $1.size } == boxes.last?.payload.count)
        }
    }

    private static func check(
        _ track: MovieFragment.TrackFragment, of fragment: Fragment, _ bytes: [UInt8], _ moof: Int, _ seed: UInt64
    ) throws {
        let units = fragment.units.filter { $0.track == track.track }
        let end = try #require(fragment.ends.first { $0.track == track.track }?.ticks)
        try #require(track.samples.count == units.count, "seed \(seed)")
        var time = Int64(track.decodeTime)
        var place = moof + Int(track.dataOffset)
        for (sample, unit) in zip(track.samples, units) {
            #expect(time == unit.decodeTime.ticks, "seed \(seed)")
            #expect(sample.compositionOffset == unit.compositionOffset, "seed \(seed)")
            #expect(sample.isSync == unit.isRandomAccess, "seed \(seed)")
            #expect(bytes[place..<place + Int(sample.size)].elementsEqual(unit.payload), "seed \(seed)")
            time += Int64(sample.duration)
            place += Int(sample.size)
        }
        #expect(time == end, "seed \(seed)")
    }

    @Test("writes the same bytes for the same fragment, wherever its units lie")
    func deterministic() {
        var random = SeededRandom(seed: 3)
        var stream = RandomStream(using: &random)
        var fragment = stream.nextPart(isFirst: true, sequenceNumber: 1, using: &random)
        let bytes = FragmentWriter.write(fragment)
        fragment.units =
            fragment.units.map { unit in
                var unit = unit
                unit.payload = Array(unit.payload)[...]
                return unit
            }[...]
        #expect(FragmentWriter.write(fragment) == bytes)
    }

    @Test("leaves out tracks that are not asked for")
    func otherTracks() throws {
        let fragment = Fragment(
            packaging: 2, sequenceNumber: 1, isFirstInSegment: false, tracks: [.audio],
            units: [Self.video(at: 0, offset: 0, isRandomAccess: true, [1]), Self.audio(at: 5, [2, 3])],
            ends: [TrackTime(track: .audio, ticks: 1029)])
        let boxes = Array(BoxReader(FragmentWriter.write(fragment)[...]))
        #expect(try MovieFragment(boxes[0]).tracks.map(\.track) == [.audio])
        #expect(boxes[1].payload == [2, 3])
    }

    @Test("writes a part without units as an empty fragment")
    func empty() throws {
        let fragment = Fragment(
            packaging: 2, sequenceNumber: 9, isFirstInSegment: true, reference: Self.reference(0), tracks: [.video],
            units: [], ends: [])
        let boxes = Array(BoxReader(FragmentWriter.write(fragment)[...]))
        #expect(boxes.map(\.type) == [.styp, .moof, .mdat])
        #expect(try MovieFragment(boxes[1]).tracks.isEmpty)
    }

    @Test("does not trap on times that go back, pass 32 bits, or have no end")
    func strangeTimes() throws {
        let fragment = Fragment(
            packaging: 2, sequenceNumber: .max, isFirstInSegment: true, reference: Self.reference(.min),
            tracks: [.video],
            units: [-5, 1 << 40, 7, .max, .min].map { Self.video(at: $0, offset: .min, isRandomAccess: false, [1]) }[
                ...],
            ends: [])
        let track = try #require(
            try MovieFragment(Array(BoxReader(FragmentWriter.write(fragment)[...]))[2]).tracks.first)
        #expect(track.decodeTime == 0)
        #expect(track.samples.map(\.duration) == [.max, 0, .max, 0, 0])
    }

    @Test("writes versions that it lists")
    func packaging() {
        #expect(Packaging.supported.contains(Packaging.newest))
    }

    /// Two pictures and one packet of sound, in version 1.
    static let small = Fragment(
        packaging: 1, sequenceNumber: 7, isFirstInSegment: true, tracks: [.video, .audio],
        units: [
            video(at: 90_000, offset: 3000, isRandomAccess: true, [0xAA, 0xBB]),
            audio(at: 48_000, [0xCC]),
            video(at: 93_000, offset: -3000, isRandomAccess: false, [0xDD]),
        ],
        ends: [TrackTime(track: .video, ticks: 96_000), TrackTime(track: .audio, ticks: 49_024)])

    /// The presentation of its first picture, at a time in milliseconds.
    static func reference(_ civil: Int64) -> ReferenceTime {
        ReferenceTime(civil: WallTime(milliseconds: civil), media: MediaTime(ticks: 93_000, timescale: .video))
    }

    static func video(at ticks: Int64, offset: Int32, isRandomAccess: Bool, _ payload: ByteSlice) -> AccessUnit {
        AccessUnit(
            track: .video, decodeTime: MediaTime(ticks: ticks, timescale: .video), compositionOffset: offset,
            isRandomAccess: isRandomAccess, payload: payload)
    }

    static func audio(at ticks: Int64, _ payload: ByteSlice) -> AccessUnit {
        AccessUnit(
            track: .audio, decodeTime: MediaTime(ticks: ticks, timescale: Timescale(48_000)), isRandomAccess: true,
            payload: payload)
    }
}
