// SPDX-License-Identifier: Apache-2.0

import Bytes
import Media
import RTMP
import Testing

/// Configuration records of x264, x265 and SVT-AV1, and what stands in them.
enum Records {
    static let sps = hex("6764000dacd941419f9f0110000003001000000303c0f1429960")
    static let pps = hex("68ebecb22c")
    static let avcC = hex("0164000dffe1001a") + sps + hex("010005") + pps + hex("fdf8f800")
    static let otherSPS = hex("6742c01ed900a02ff97011000003000100000300320f162e48")
    static let otherPPS = hex("68cb83cb20")
    static let otherAVCC = hex("0142c01effe10019") + otherSPS + hex("010005") + otherPPS
    static let hvcC = hex(
        """
        0101600000009000000000003cf000fcfdf8f800000f03a00001001840010c01ffff01600000030090000003000003003c959009a1000100
        2b42010101600000030090000003000003003ca00a080b9f796564924caf016808000003000800000300f040a2000100074401c172b46240
        """)
    static let av1C = hex("81000c000a0b000000043cfecc02f80040")
    static let asc = hex("1190")
    static let opusHead = hex("4f707573486561640102380180bb0000000000")
}

@Suite("Media from RTMP")
struct MediaFromRTMPTests {
    /// Feeds tags one after the other at times 0, 40, 80 …
    private func events(_ tags: [(MediaKind, [UInt8])], ignored: ((MediaFromRTMP.Ignored) -> Void)? = nil) throws
        -> [MediaFromRTMP.Event]
    {
        var media = MediaFromRTMP()
        var events: [MediaFromRTMP.Event] = []
        for (index, tag) in tags.enumerated() {
            let message = MediaMessage(kind: tag.0, timestamp: UInt32(index * 40), body: tag.1[...])
            try media.accept(message, into: &events)
        }
        ignored?(media.ignored)
        return events
    }

    private func units(_ events: [MediaFromRTMP.Event]) -> [AccessUnit] {
        events.compactMap { event -> AccessUnit? in if case .accessUnit(let unit) = event { unit } else { nil } }
    }

    private func codecs(_ events: [MediaFromRTMP.Event]) -> [String] {
        events.compactMap { event -> String? in
            if case .parameters(_, let parameters) = event { parameters.codecString } else { nil }
        }
    }

    private let configuration: (MediaKind, [UInt8]) = (.video, hex("1700000000") + Records.avcC)

    private func nal(_ units: [UInt8]...) -> [UInt8] {
        units.reduce(into: []) { $0.append(nalUnit: $1[...]) }
    }

    @Test(
        "reads every dialect of video",
        arguments: [
            ("17 00 000000", "17 01 000028", Records.avcC, "000000026588", "avc1.64000d", 40 as Int32),
            ("17 00 000000", "17 01 ffffd8", Records.avcC, "000000026588", "avc1.64000d", -40),
            ("90 61766331", "91 61766331 000028", Records.avcC, "000000026588", "avc1.64000d", 40),
            ("90 61766331", "93 61766331", Records.avcC, "000000026588", "avc1.64000d", 0),
            ("90 68766331", "91 68766331 000028", Records.hvcC, "00000003260188", "hvc1.1.6.L60.90", 40),
            ("90 68766331", "93 68766331", Records.hvcC, "00000003260188", "hvc1.1.6.L60.90", 0),
            ("1c 00 000000", "1c 01 000028", Records.hvcC, "00000003260188", "hvc1.1.6.L60.90", 40),
            ("17 00 000000", "17 01 000028", Records.hvcC, "00000003260188", "hvc1.1.6.L60.90", 40),
            ("90 61763031", "91 61763031", Records.av1C, "0a010032011f", "av01.0.00M.08", 0),
            // ModEx of 3 bytes before the coded frames; OneTrack, ManyTracks and ManyCodecs of track 0.
            ("90 61766331", "97 02000001 01 61766331 000028", Records.avcC, "000000026588", "avc1.64000d", 40),
            ("96 00 61766331 00", "96 03 61766331 00", Records.avcC, "000000026588", "avc1.64000d", 0),
            ("90 61766331", "96 13 61766331 01000002aabb 00000006", Records.avcC, "000000026588", "avc1.64000d", 0),
            (
                "90 61766331", "96 23 68766331 01000000 61766331 00000006", Records.avcC, "000000026588", "avc1.64000d",
                0
            ),
        ])
    func videoDialects(
        start: String, frame: String, record: [UInt8], payload: String, codec: String, offset: Int32
    ) throws {
        let events = try events([
            (.video, hex(start) + record), (.video, hex(frame) + hex(payload)), (.video, hex(start) + record),
        ])
        #expect(codecs(events) == [codec])
        let unit = try #require(units(events).first)
        #expect(unit.payload.hex == payload)
        #expect(unit.compositionOffset == offset)
        #expect(unit.isRandomAccess)
        #expect(unit.decodeTime == MediaTime(ticks: 40, timescale: .milliseconds))
    }

    @Test(
        "reads every dialect of audio",
        arguments: [
            ("af00", "af01", Records.asc, "2100", "mp4a.40.2"),
            ("90 6d703461", "91 6d703461", Records.asc, "2100", "mp4a.40.2"),
            ("90 4f707573", "91 4f707573", Records.opusHead, "fc0102", "opus"),
            ("95 00 6d703461 00", "95 01 6d703461 00", Records.asc, "2100", "mp4a.40.2"),
            // ADTS of 7 bytes before the raw block.
            ("af00", "af01 fff14c80013ffc", Records.asc, "2100", "mp4a.40.2"),
        ])
    func audioDialects(start: String, frame: String, record: [UInt8], payload: String, codec: String) throws {
        let events = try events([(.audio, hex(start) + record), (.audio, hex(frame) + hex(payload))])
        #expect(codecs(events) == [codec])
        #expect(units(events).map(\.payload.hex) == [payload])
        #expect(units(events).first?.track == .audio)
    }

    @Test("shares the message's bytes where nothing has to go")
    func sharing() throws {
        let body = (hex("1701000000") + nal([0x65, 1, 2], [0x41, 3]))[...]
        var media = MediaFromRTMP()
        var events: [MediaFromRTMP.Event] = []
        try media.accept(MediaMessage(kind: .video, timestamp: 0, body: configuration.1[...]), into: &events)
        try media.accept(MediaMessage(kind: .video, timestamp: 0, body: body), into: &events)
        let payload = try #require(units(events).first?.payload)
        let isShared = body.withUnsafeBufferPointer { whole in
            payload.withUnsafeBufferPointer { $0.baseAddress == whole.baseAddress.map { $0 + 5 } }
        }
        #expect(isShared)
        #expect(payload.startIndex == 5)
    }

    @Test("strips delimiters and known sets, and rewrites lengths of 1 and 2 bytes and start codes")
    func stripping() throws {
        let slice = hex("658801")
        let wanted = nal([0x06, 0x05, 1], slice)
        let framed = nal([0x09, 0xF0], Records.sps, Records.pps, [0x06, 0x05, 1], slice)
        let annexB = hex("0000000109f0 000001") + Records.sps + hex("000001 060501 00000001") + slice
        for body in [framed, annexB] {
            let events = try events([configuration, (.video, hex("1701000000") + body)])
            #expect(codecs(events).count == 1)
            #expect(units(events).map(\.payload) == [wanted[...]])
        }
        for (size, lengths) in [(0 as UInt8, ["03", "03"]), (1, ["0003", "0003"])] {
            var record = Records.avcC
            record[4] = 0xFC | size
            let body = hex(lengths[0] + "060501" + lengths[1]) + slice
            let events = try events([(.video, hex("1700000000") + record), (.video, hex("1701000000") + body)])
            #expect(units(events).map(\.payload) == [wanted[...]])
        }
    }

    @Test("drops and counts a picture that longer lengths would make too long")
    func tooLong() throws {
        var record = Records.avcC
        record[4] = 0xFC
        let start: (MediaKind, [UInt8]) = (.video, hex("1700000000") + record)
        let units = Array(repeatElement([1, 0x65] as [UInt8], count: 4 << 20).joined())
        let found = try events([start, (.video, hex("1701000000") + units)]) { #expect($0.malformed == 1) }
        #expect(self.units(found).isEmpty)
        #expect(try self.units(events([start, (.video, hex("1701000000") + units.prefix(2 << 20))])).count == 1)
    }

    @Test("takes new parameter sets out of pictures, before the picture")
    func inBandChange() throws {
        let picture = hex("1701000000") + nal(Records.otherSPS, Records.otherPPS, [0x65, 1])
        let plain = hex("2701000000") + nal([0x41, 1])
        let events = try events([configuration, (.video, plain), (.video, picture), configuration, (.video, plain)])
        #expect(codecs(events) == ["avc1.64000d", "avc1.42c01e"], "the old record, repeated, changes nothing")
        #expect(units(events).count == 3)
        guard case .parameters = events[2] else { throw Truncated() }
    }

    @Test("begins with sets in band where the record has none, or where there is no record")
    func inBandOnly() throws {
        let empty: (MediaKind, [UInt8]) = (.video, hex("1700000000 0164000dff e0 00"))
        let picture: (MediaKind, [UInt8]) = (.video, hex("1701000000") + nal(Records.sps, Records.pps, [0x65, 1]))
        for tags in [[empty, picture], [picture]] {
            let events = try events(tags)
            #expect(codecs(events) == ["avc1.64000d"])
            #expect(units(events).count == 1)
        }
    }

    @Test("is not held up by floods of parameter sets, nor moved by ones that make no sense")
    func setFlood() throws {
        // PPS of ever new numbers, in pictures that otherwise are good.
        let sets = (0..<1000).map { number in
            var bits = String(UInt32(number + 1), radix: 2)
            bits = String(repeating: "0", count: bits.count - 1) + bits + "1"
            bits += String(repeating: "0", count: (8 - bits.count % 8) % 8)
            let bytes = stride(from: 0, to: bits.count, by: 8).map {
                UInt8(bits.dropFirst($0).prefix(8), radix: 2) ?? 0
            }
            return [0x68] + bytes
        }
        var flood = hex("1701000000")
        for set in sets { flood.append(nalUnit: set[...]) }
        flood.append(nalUnit: [0x65, 1])
        let change = hex("1701000000") + nal(Records.otherSPS, Records.otherPPS, [0x65, 1])
        let begin = ContinuousClock.now
        for tags in [[configuration], [(.video, hex("1701000000") + nal([0x65, 1]))]] {
            let all = tags + [(MediaKind, [UInt8])](repeating: (.video, flood), count: 20) + [(.video, change)]
            let events = try events(all)
            #expect(codecs(events).last == "avc1.42c01e")
            #expect(codecs(events).count <= 2)
        }
        #expect(ContinuousClock.now - begin < .seconds(60))
    }

    @Test("announces a changed record and no repeated one")
    func recordChange() throws {
        let other: (MediaKind, [UInt8]) = (.video, hex("1700000000") + Records.otherAVCC)
        #expect(
            codecs(try events([configuration, configuration, other, other, configuration]))
                == ["avc1.64000d", "avc1.42c01e", "avc1.64000d"])
    }

    @Test("finds random access by what is in the picture")
    func randomAccess() throws {
        let pictures: [(String, Bool)] = [
            ("1701000000 000000026588", true), ("2701000000 000000026588", true), ("2701000000 000000024188", false),
            ("1701000000 000000024188", false), ("1701000000 000000030606010000000241aa", true),
            ("2701000000 000000030606010000000241aa", false),
            // A recovery point behind a buffering period whose payload has an emulation prevention byte, and behind
            // a payload of 256 bytes; none in a payload that holds a 6, nor in one that is cut short.
            ("1701000000 0000000b 06 0003000003 01 060180 80 00000002 41aa", true),
            ("1701000000 00000108 06 05ff01" + String(repeating: "aa", count: 256) + "06018080 00000002 41aa", true),
            ("1701000000 00000008 06 0005 0601060180 00000002 41aa", false),
            ("1701000000 00000005 06 00ff0601 00000002 41aa", false),
        ]
        for (picture, isRandomAccess) in pictures {
            let unit = try #require(units(try events([configuration, (.video, hex(picture))])).first)
            #expect(unit.isRandomAccess == isRandomAccess, "\(picture)")
        }
    }

    @Test("drops units before their parameters and counts them")
    func beforeParameters() throws {
        let tags: [(MediaKind, [UInt8])] = [(.video, hex("2701000000 000000024188")), (.audio, hex("af0121"))]
        let found = try events(tags) { #expect($0.beforeParameters == 2) }
        #expect(found.isEmpty)
    }

    @Test(
        "passes over what is no media and goes on",
        arguments: [
            (MediaKind.video, "1702000000"), (.video, "57 00"), (.video, "d4 68766331 020009636f6c6f72496e666f"),
            (.video, "92 68766331"), (.video, "95 61763031"), (.audio, "92 4f707573"),
            (.audio, "94 4f707573 010100000004"),
            (.data, "02000a6f6e546578744461746103"), (.data, "ff"), (.video, "1701"), (.video, "96"),
            (.video, "96 66 61766331 00"),
            (.video, "96 33 61766331 00"), (.video, "97 ffffff 00"), (.video, "97 05"),
            (.video, "96 11 61766331 00 ffffff"),
            (.video, "1701000000 ffffffff 65"), (.video, "1701000000"), (.video, "96 03 61766331 01 00000001 65"),
            (.audio, "95 11 6d703461 01 000000"), (.audio, "af01"),
        ])
    func passedOver(kind: MediaKind, text: String) throws {
        let frame = hex("2701000000 000000024188")
        let events = try events([configuration, (kind, hex(text)), (.video, frame)])
        #expect(units(events).count == 1)
    }

    @Test(
        "refuses codecs and configurations that it can not carry",
        arguments: [
            (MediaKind.video, "12 00", RTMPFailure.unsupportedCodec(2, isVideo: true)),
            (.audio, "2f 00", .unsupportedCodec(2, isVideo: false)),
            (.video, "90 76766331 00", .unsupportedCodec(0x7676_6331, isVideo: true)),
            (.audio, "90 664c6143", .unsupportedCodec(0x664C_6143, isVideo: false)),
            (.video, "1700000000", .parameters(.truncated)),
            (.video, "90 6d703461", .unsupportedCodec(0x6D70_3461, isVideo: true)),
            (.audio, "af00", .parameters(.truncated)),
        ])
    func refused(kind: MediaKind, text: String, failure: RTMPFailure) throws {
        var media = MediaFromRTMP()
        var events: [MediaFromRTMP.Event] = []
        let bad = { MediaMessage(kind: kind, timestamp: $0, body: hex(text)[...]) }
        for time in [100, 10_100] as [UInt32] { try media.accept(bad(time), into: &events) }
        #expect(media.ignored.unsupported == 2 && media.dropped == failure)
        #expect(throws: failure) { try media.accept(bad(10_101), into: &events) }
        let start: (MediaKind, [UInt8]) =
            kind == .video ? (.audio, hex("af00") + Records.asc) : (.video, hex("1700000000") + Records.avcC)
        let other = MediaMessage(kind: start.0, timestamp: 10_102, body: start.1[...])
        try media.accept(other, into: &events)
        try media.accept(bad(99_999), into: &events)
        #expect(codecs(events).count == 1, "the other track goes on")
    }

    @Test("gives up on media without any configuration after 10 s, and names codecs to people")
    func noParameters() {
        #expect(throws: RTMPFailure.noParameters) {
            try events([(MediaKind, [UInt8])](repeating: (.audio, hex("af0121")), count: 252))
        }
        #expect(RTMPFailure.unsupportedCodec(2, isVideo: false).mediaFault == "The audio codec MP3 is not carried.")
        #expect(
            RTMPFailure.unsupportedCodec(0x7670_3039, isVideo: true).mediaFault
                == "The video codec vp09 is not carried.")
    }

    @Test("hands on metadata with and without its wrapper")
    func metadata() throws {
        let properties = [AMFProperty("encoder", .string("x"))]
        for names in [["@setDataFrame", "onMetaData"], ["onMetaData"]] {
            let body = AMFEncoder.encode(names.map { .string($0) } + [.ecmaArray(properties)])
            #expect(try events([(.data, body)]) == [.metadata(properties)])
        }
    }

    @Test(
        "makes time whole",
        arguments: [
            ([0xFFFF_FFF0, 0x10], [-16, 16]),
            ([0xFFFE_0000, 0xFFFF_FFF0, 0x10], [4_294_836_224, 4_294_967_280, 4_294_967_312]),
            ([0x7FFE_0000, 0x7FFF_FFF0, 0x10], [2_147_352_576, 2_147_483_632, 2_147_483_664]),
            ([0x7FFF_FFF0, 0x10], [-16, 16]), ([5, 0x7FFF_FFF0, 6], [5, -16, 6]),
            ([0xFFFFF0, 0x10, 0x20], [16_777_200, 16_777_232, 16_777_248]),
            ([0xFFFFF0, 0x100_0010], [16_777_200, 16_777_232]),
            ([1000, 960, 1040], [1000, 960, 1040]), ([40, 40], [40, 40]), ([0, 86_400_000], [0, 86_400_000]),
            ([86_400_000, 0], [86_400_000, 0]), ([0x7FFE_0000, 0x8001_0000], [2_147_352_576, 2_147_549_184]),
        ] as [([UInt32], [Int64])])
    func time(wire: [UInt32], expected: [Int64]) throws {
        var media = MediaFromRTMP()
        var events: [MediaFromRTMP.Event] = []
        let start = MediaMessage(kind: .audio, timestamp: 0xDEAD_BEEF, body: (hex("af00") + Records.asc)[...])
        try media.accept(start, into: &events)
        for time in wire {
            try media.accept(MediaMessage(kind: .audio, timestamp: time, body: hex("af0121")[...]), into: &events)
        }
        #expect(units(events).map(\.decodeTime.ticks) == expected)
    }

    @Test("reads a track's first time beside the other track's")
    func firstTimes() throws {
        for (video, audio, expected) in [
            (0x7FFF_FFF0 as UInt32, 0x8000_0010 as UInt32, 16 as Int64), (10, 0x7FFF_FFF0, -16), (10, 0xFFFF_FFF0, -16),
            (0, 5000, 5000), (0x2000_0000, 0x2000_0010, 0x2000_0010),
        ] {
            var media = MediaFromRTMP()
            var events: [MediaFromRTMP.Event] = []
            for (kind, time, body) in [
                (MediaKind.video, 0 as UInt32, configuration.1), (.audio, 0, hex("af00") + Records.asc),
                (.video, video, hex("1701000000 000000026588")), (.audio, audio, hex("af0121")),
            ] {
                try media.accept(MediaMessage(kind: kind, timestamp: time, body: body[...]), into: &events)
            }
            #expect(units(events).last?.decodeTime.ticks == expected)
        }
    }
}
