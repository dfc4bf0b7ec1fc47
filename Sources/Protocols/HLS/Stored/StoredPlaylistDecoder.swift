// SPDX-License-Identifier: Apache-2.0

import Bytes
import Feed
import Identity
import Media

/// Why a text is not a playlist of ours.
public enum StoredPlaylistFailure: Error, Hashable, Sendable {
    /// The first line is not `#EXTM3U`.
    case notAPlaylist
    /// A line is not what we write; carries its number, from 1.
    case wrongLine(Int)
    /// It ends within a segment.
    case cutOff
}

extension StoredPlaylist {
    /// Reads back what ``text`` has written. Comments and tags that are not ours are passed over, as RFC 8216bis §4.1 asks;
    /// names that are not ours are refused, as whoever deletes a recording goes by them.
    public init(parsing text: [UInt8]) throws(StoredPlaylistFailure) {
        var reader = StoredPlaylistReader()
        for (index, line) in text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
            guard reader.read(line.last == UInt8(ascii: "\r") ? line.dropLast() : line, isFirst: index == 0) else {
                throw index == 0 ? .notAPlaylist : .wrongLine(index + 1)
            }
        }
        guard reader.hasBegun else { throw .notAPlaylist }
        guard !reader.isWithinSegment else { throw .cutOff }
        self.init(reader.segments, targetDuration: reader.targetDuration, isEnded: reader.isEnded)
    }
}

/// Reads line by line.
private struct StoredPlaylistReader {
    var segments: [StoredSegment] = []
    var targetDuration = 1
    var isEnded = false
    var hasBegun = false
    private var map: InitSectionName?
    private var date: WallTime?
    private var duration: Duration?
    private var isGap = false
    private var isDiscontinuity = false

    /// Whether tags of a segment were read and its name was not.
    var isWithinSegment: Bool { duration != nil || isGap || isDiscontinuity }

    /// Whether the line may stand there.
    mutating func read(_ line: ByteSlice, isFirst: Bool) -> Bool {
        if isFirst {
            hasBegun = line.elementsEqual("#EXTM3U".utf8)
            return hasBegun
        }
        guard line.first == UInt8(ascii: "#") else { return line.isEmpty || segment(line) }
        if let value = line.value(of: "#EXTINF:") { return extinf(value) }
        if let value = line.value(of: "#EXT-X-MAP:URI=\"") {
            map = Self.initSection(value)
            return map != nil
        }
        if let value = line.value(of: "#EXT-X-PROGRAM-DATE-TIME:") {
            date = WallTime(programDateTime: value)
            return date != nil
        }
        if let value = line.value(of: "#EXT-X-TARGETDURATION:") {
            guard let seconds = value.decimal, seconds <= 86_400 else { return false }
            targetDuration = Int(seconds)
            return true
        }
        isGap = isGap || line.elementsEqual("#EXT-X-GAP".utf8)
        isDiscontinuity = isDiscontinuity || line.elementsEqual("#EXT-X-DISCONTINUITY".utf8)
        isEnded = isEnded || line.elementsEqual("#EXT-X-ENDLIST".utf8)
        return true
    }

    private mutating func extinf(_ value: ByteSlice) -> Bool {
        let parts = value.split(separator: UInt8(ascii: ","), maxSplits: 1, omittingEmptySubsequences: false)
        let number = parts[0].split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard number.count == 2, let seconds = number[0].decimal, seconds < 86_400, number[1].count == 6,
            let microseconds = number[1].digits
        else { return false }
        duration = .microseconds(Int64(seconds) * 1_000_000 + Int64(microseconds))
        return true
    }

    private mutating func segment(_ name: ByteSlice) -> Bool {
        guard let slash = name.firstIndex(of: UInt8(ascii: "/")), name.hasSuffix(".m4s"),
            let term = Term(path: name[..<slash]),
            let msn = name[(slash + 1)...].dropLast(4).decimal, msn < .max,
            isDiscontinuity || segments.last.map({ $0.msn < msn }) ?? true,
            let duration, isGap || map != nil, let date = date ?? segments.last?.end, date < Self.endOfTime
        else { return false }
        segments.append(
            StoredSegment(
                msn: msn, term: term, initSection: map ?? InitSectionName(term: term, number: 0), duration: duration,
                programDateTime: date, isDiscontinuity: isDiscontinuity, isGap: isGap))
        self.date = nil
        self.duration = nil
        isGap = false
        isDiscontinuity = false
        return true
    }

    /// A week before the year 10 000, which has another spelling.
    private static let endOfTime = WallTime(milliseconds: 253_401_696_000_000)

    /// `{term}/init-{n}.mp4"`.
    private static func initSection(_ value: ByteSlice) -> InitSectionName? {
        guard value.hasSuffix(".mp4\""), let slash = value.firstIndex(of: UInt8(ascii: "/")),
            value[(slash + 1)...].hasPrefix("init-"),
            let term = Term(path: value[..<slash]),
            let number = value[(slash + 1)...].dropFirst(5).dropLast(5).decimal, number <= UInt32.max
        else { return nil }
        return InitSectionName(term: term, number: UInt32(truncatingIfNeeded: number))
    }
}

extension ByteSlice {
    /// What stands behind a tag's name.
    fileprivate func value(of tag: StaticString) -> ByteSlice? {
        hasPrefix(tag) ? dropFirst(tag.utf8CodeUnitCount) : nil
    }
}
