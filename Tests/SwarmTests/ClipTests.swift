// SPDX-License-Identifier: Apache-2.0

import Bytes
import RTMP
import Swarm
import Testing

@Suite("A clip") struct ClipTests {
    @Test("sends metadata and configurations once, with the command that keeps the metadata")
    func preamble() throws {
        let clip = try Clip(flv: Self.flv()[...])
        #expect(clip.preamble.map(\.kind) == [.data, .video, .audio])
        #expect(clip.preamble[0].body.dropFirst(3).starts(with: "@setDataFrame".utf8))
        #expect(clip.preamble[0].body.suffix(4) == [2, 0, 1, 65])
        #expect(clip.messages.allSatisfy { $0.body.count == 6 })
    }

    @Test("lasts from its first picture to one distance behind its last, wherever the file's times begin")
    func period() throws {
        for offset in [0, 70_000, 0xFFFF_0000] as [UInt32] {
            let clip = try Clip(flv: Self.flv(offset: offset)[...])
            #expect(clip.period == 200)
            #expect(clip.messages.first?.timestamp == 0)
            #expect(clip.messages.count == 13)
        }
    }

    @Test("is made of sound alone where there is no picture")
    func audioOnly() throws {
        let clip = try Clip(flv: Self.flv(hasVideo: false)[...])
        #expect(clip.period == 192)
        #expect(clip.messages.count == 8)
    }

    @Test("is refused where it is no FLV or has no two access units")
    func refusals() {
        #expect(throws: Clip.Failure.flv(.notFLV)) { try Clip(flv: Array("RIFFRIFFRIFFRIFF".utf8)[...]) }
        #expect(throws: Clip.Failure.empty) {
            try Clip(flv: FLVWriter().header(hasVideo: true, hasAudio: true)[...])
        }
    }

    @Test("cut at any byte is a shorter clip or none")
    func truncation() {
        let flv = Self.flv()
        for length in flv.indices { _ = try? Clip(flv: flv[..<length]) }
    }

    /// Five pictures 40 ms apart, eight sounds 24 ms apart, one more sound behind the end.
    static func flv(offset: UInt32 = 0, hasVideo: Bool = true) -> [UInt8] {
        var tags: [MediaTag] = [
            MediaTag(kind: .data, timestamp: offset, header: [2, 0, 1, 65], payload: []),
            MediaTag(kind: .audio, timestamp: offset, header: [0xAF, 0, 0x12, 0x10], payload: []),
        ]
        if hasVideo {
            tags.insert(MediaTag(kind: .video, timestamp: offset, header: [0x17, 0, 0, 0, 0], payload: []), at: 1)
        }
        var units: [(time: UInt32, tag: MediaTag)] = []
        for number in 0..<(hasVideo ? 5 : 0) {
            let time = UInt32(number) * 40
            units.append(
                (time, MediaTag(kind: .video, timestamp: offset + time, header: [0x17, 1, 0, 0, 0, 9], payload: [])))
        }
        for number in 0..<(hasVideo ? 9 : 8) {
            let time = UInt32(number) * 24 + (number == 8 ? 20 : 0)
            units.append(
                (time, MediaTag(kind: .audio, timestamp: offset + time, header: [0xAF, 1, 1, 2, 3, 4], payload: [])))
        }
        tags += units.sorted { $0.time < $1.time }.map(\.tag)
        tags.append(MediaTag(kind: .video, timestamp: offset + 160, header: [0x17, 2, 0, 0, 0], payload: []))
        return tags.reduce(FLVWriter().header(hasVideo: hasVideo, hasAudio: true)) { $0 + FLVWriter().write($1) }
    }
}

@Suite("A clip's cursor") struct ClipCursorTests {
    @Test("gives every message when it is due, and goes on from round to round without a step")
    func rounds() throws {
        let clip = try Clip(flv: ClipTests.flv()[...])
        var cursor = ClipCursor(clip)
        var times: [UInt32] = []
        for elapsed in stride(from: 0, through: 1001, by: 7) {
            while let tag = cursor.next(elapsed: .milliseconds(elapsed)) {
                #expect(Int(tag.timestamp) <= elapsed && Int(tag.timestamp) > elapsed - 7)
                times.append(tag.timestamp)
            }
        }
        #expect(times == times.sorted())
        let pictures = stride(from: 0, through: 1000, by: 40).count { _ in true }
        #expect(times.count == pictures + 5 * 8 + 1)
        #expect(cursor.due == .milliseconds(1024))
    }

    @Test("shares the clip's bytes")
    func shares() throws {
        let clip = try Clip(flv: ClipTests.flv()[...])
        var cursor = ClipCursor(clip)
        let first = cursor.next(elapsed: .zero)
        let tag = try #require(first)
        let original = clip.messages[0].body.withUnsafeBytes { $0.baseAddress }
        #expect(tag.payload.withUnsafeBytes { $0.baseAddress } == original)
    }
}
