// SPDX-License-Identifier: Apache-2.0

import Feed
import Identity
import Media
import TestKit
import Testing

@Suite("A feed's log")
struct FeedLogTests {
    private static let first = Term(number: 1, salt: 1)
    private static let second = Term(number: 2, salt: 1)

    private func at(_ number: UInt64, _ term: Term = first) -> FeedPosition { FeedPosition(term: term, number: number) }

    /// A log of segments of ten records each, the first of which is number 100 of its kind.
    private func log(segments: Int) -> FeedLog {
        var log = FeedLog(term: Self.first)
        let track = Track(id: .video, parameters: SyntheticParameters.h264())
        log.append(.parameters(Parameters(number: 0, tracks: [track])), at: at(0))
        for segment in 0..<UInt64(segments) {
            log.append(.segmentStart(start(100 + segment)), at: log.next)
            for number in 0..<9 as Range<UInt64> { log.append(.stored(number), at: log.next) }
        }
        return log
    }

    private func start(_ msn: UInt64) -> SegmentStart {
        SegmentStart(
            msn: msn, firstDecodeTimes: [TrackTime(track: .video, ticks: 0)], firstFragmentNumber: 1,
            programDateTime: WallTime(milliseconds: 0), discontinuitySequence: 0, isDiscontinuity: false,
            parameters: 0, targetDuration: nil, partTarget: nil)
    }

    @Test("lets go what is older than a segment, and keeps every record's place and position")
    func forgets() {
        var log = log(segments: 6)
        #expect(log.oldest == FeedStart(position: at(0)))
        log.forget(segmentsBefore: 103)
        #expect(log.count == 30 && log.firstPlace == 31 && log.endPlace == 61 && log.next == at(61))
        #expect(log[place: 30] == nil && log[place: 61] == nil && log[place: 60] == .stored(8))
        #expect(log.oldest.position == at(31) && log.oldest.parameters?.position == at(0))
        #expect(log.resumption(from: at(30)) == .gone && log.resumption(from: at(31)) == .at(31))
        #expect(log.resumption(from: at(61)) == .at(61) && log.resumption(from: at(62)) == .ahead)
        #expect(log.resumption(from: at(0, Self.second)) == .ahead)
        #expect(log.resumption(from: at(40, Term(number: 0, salt: 9))) == .gone)
    }

    @Test("tells the parameters in force also where it has begun in mid-stream and holds nothing yet")
    func begun() {
        var ours = log(segments: 6)
        ours.forget(segmentsBefore: 103)
        var theirs = FeedLog(term: Term(number: 0, salt: 0))
        theirs.begin(ours.oldest)
        #expect(theirs.count == 0 && theirs.oldest == ours.oldest)
    }

    @Test("has those who hold nothing begin with the oldest segment that is not void")
    func voidBeginning() {
        var log = log(segments: 6)
        log.begin(FeedStart(position: at(0, Self.second), continues: at(51)))
        log.append(.stored(1), at: at(0, Self.second))
        log.append(.segmentStart(start(105)), at: at(1, Self.second))
        log.forget(segmentsBefore: 105)
        #expect(log.firstPlace == 51 && log.oldest.position == at(1, Self.second))
        #expect(log.oldest.parameters?.position == at(0))
    }

    @Test("has no record twice and no hole: one too many is refused, after one too few it begins anew")
    func contiguity() {
        var log = log(segments: 2)
        let taken = log.append(.stored(1), at: at(20))
        #expect(!taken && log.count == 21)
        log.append(.stored(1), at: at(25))
        #expect(log.count == 1 && log.firstPlace == 21 && log.position(at: 21) == at(25))
        #expect(log.resumption(from: at(21)) == .gone && log.resumption(from: at(25)) == .at(21))
    }

    @Test("goes on in a new term from where that says, and what is behind is void")
    func newTerm() {
        var log = log(segments: 2)
        log.begin(FeedStart(position: at(0, Self.second), continues: at(15)))
        log.append(.stored(7), at: at(0, Self.second))
        #expect(log.next == at(1, Self.second) && log.term == Self.second)
        #expect(log[place: 14] != nil && log[place: 15] == nil && log[place: 21] == .stored(7))
        #expect(log.valid(15) == 21 && log.valid(14) == 14)
        for number in [15, 18, 21] as [UInt64] { #expect(log.resumption(from: at(number)) == .at(21)) }
        #expect(log.start(at: 21) == FeedStart(position: at(0, Self.second), continues: at(15)))
        #expect(log.batch(from: 12, records: 100, bytes: 100) == 12..<15)
    }

    @Test("goes on behind a term that came to nothing with whoever holds records of that")
    func forsaken() {
        var ours = log(segments: 2)
        let third = Term(number: 3, salt: 1)
        ours.begin(FeedStart(position: at(0, third), continues: at(21)))
        ours.append(.stored(1), at: at(0, third))
        let place = ours.resumption(from: at(4, Self.second))
        #expect(place == .at(21))
        #expect(ours.start(at: 21) == FeedStart(position: at(0, third), continues: at(21)))
        // Where the third begins is not known here.
        var late = FeedLog(term: third, number: 7)
        late.append(.stored(1), at: at(7, third))
        #expect(late.resumption(from: at(4, Self.second)) == .gone)
    }

    @Test("begins anew in a term whose beginning it does not hold")
    func foreignTerm() {
        for start in [
            FeedStart(position: at(40, Self.second)),
            FeedStart(position: at(0, Self.second), continues: at(30)),
            FeedStart(position: at(0, Self.second)),
        ] {
            var log = log(segments: 2)
            log.begin(start)
            #expect(log.count == 0 && log.next == start.position && log.endPlace == 21)
            #expect(log.resumption(from: at(21)) == .gone && log.resumption(from: start.position) == .at(21))
            // Others may hold what it goes on from.
            #expect(log.start(at: 21) == start)
        }
    }

    @Test("makes batches that end with parts, and hold no more than may be, but one record")
    func batches() throws {
        var log = FeedLog(term: Self.first)
        let mark = FeedRecord.partEnd(
            PartEnd(
                position: PartPosition(msn: 1, part: 0), ends: [], duration: .zero, isIndependent: true,
                closesSegment: false))
        let unit = AccessUnit(
            track: .video, decodeTime: MediaTime(ticks: 0, timescale: .video), isRandomAccess: true,
            payload: [UInt8](repeating: 1, count: 1000)[...])
        for record in [.stored(1), mark, .accessUnit(unit), .accessUnit(unit), .accessUnit(unit), mark, .stored(2)] {
            log.append(record, at: log.next)
        }
        #expect(log.batch(from: 0, records: 100, bytes: 5000) == 0..<2)
        #expect(log.batch(from: 2, records: 100, bytes: 5000) == 2..<6)
        #expect(log.batch(from: 2, records: 100, bytes: 2500) == 2..<4)
        #expect(log.batch(from: 2, records: 100, bytes: 10) == 2..<3)
        #expect(log.batch(from: 2, records: 2, bytes: 5000) == 2..<4)
        #expect(log.batch(from: 6, records: 100, bytes: 5000) == 6..<7)
        #expect(log.batch(from: 7, records: 100, bytes: 5000).isEmpty)
    }

    @Test("puts media where it was written")
    func payloads() throws {
        var log = log(segments: 1)
        for byte in 0..<3 as Range<UInt8> {
            log.append(
                .accessUnit(
                    AccessUnit(
                        track: .video, decodeTime: MediaTime(ticks: 0, timescale: .video), isRandomAccess: true,
                        payload: [byte, byte])), at: log.next)
        }
        let written: [UInt8] = [9, 9, 0, 0, 1, 1, 2, 2]
        log.movePayloads(to: [written[2..<4], written[4..<6], written[6..<8]])
        let moved = log.slice(11..<14).compactMap { if case .accessUnit(let unit) = $0 { unit.payload } else { nil } }
        #expect(moved.map { Array($0) } == [[0, 0], [1, 1], [2, 2]] && moved.map(\.startIndex) == [2, 4, 6])
    }
}
