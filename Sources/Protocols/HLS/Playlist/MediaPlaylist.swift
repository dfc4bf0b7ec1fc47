// SPDX-License-Identifier: Apache-2.0

import Bytes
import Feed
public import Identity
import Media

/// The text of a media playlist (RFC 8216bis): a pure function of a window's marks, the part after which it stands, and
/// whether it is a delta update.
///
/// A discontinuity or a new init section first appears together with the part that it precedes, never as the last
/// line: the state of a window moves by whole parts only. hls.js up to 1.6.16 loses the discontinuity sequence
/// otherwise (hls.js issue 7962).
public struct MediaPlaylist: Sendable {
    /// UTF-8.
    public let text: [UInt8]

    /// Writes the playlist of `rendition` as it was directly after the part of `key`; nil where the window can not tell.
    /// - Parameters:
    ///   - isDelta: whether segments before the skip boundary are left out (EXT-X-SKIP). Where none is, and after the end, the
    ///     text is the full one.
    ///   - rewind: what is listed before the window, for viewers who want to go back; nil for a playlist of the window alone.
    ///     It has no EXT-X-PLAYLIST-TYPE while it slides, and is VOD when it is over (RFC 8216bis §4.4.3.5).
    public init?(
        of window: borrowing MediaWindow, rendition: RenditionName, at key: PlaylistKey, isDelta: Bool = false,
        rewind: Rewind? = nil
    ) {
        guard let state = window.state(key), window.isReady(state), let first = state.listed.first else { return nil }
        let names = SegmentNames(stream: window.stream, rendition: rendition)
        let past = rewind.flatMap { window.past(of: state, $0) }
        let skipped = isDelta ? window.skippable(in: state, behind: past) : 0
        let old = past?.segments.count ?? 0
        var text = PlaylistText(capacity: 512 + max(0, old - skipped) * 160 + state.listed.count * 256 + 2048)
        window.appendHeader(of: state, rendition: rendition, first: first, past: past, skipped: skipped, to: &text)
        if state.isEnd, let rewind, rewind.reach > .zero { text.append("#EXT-X-PLAYLIST-TYPE:VOD\n") }
        past?.append(skipping: skipped, names: names, to: &text)
        window.appendSegments(of: state, behind: past, skipped: max(0, skipped - old), names: names, to: &text)
        window.appendTail(of: state, rendition: rendition, query: rewind?.query ?? "", to: &text)
        self.text = text.bytes
    }
}

// MARK: - Header

extension MediaWindow {
    fileprivate borrowing func appendHeader(
        of state: PlaylistState, rendition: RenditionName, first: Int, past: Past?, skipped: Int,
        to text: inout PlaylistText
    ) {
        // EXT-X-SKIP is the only tag of ours that needs more than version 6 (RFC 8216bis §8).
        text.append(skipped > 0 ? "#EXTM3U\n#EXT-X-VERSION:9\n" : "#EXTM3U\n#EXT-X-VERSION:6\n")
        let target = listedTargetDuration(state)
        text.append("#EXT-X-TARGETDURATION:")
        text.append(target)
        appendServerControl(of: state, target: target, to: &text)
        text.append("\n#EXT-X-MEDIA-SEQUENCE:")
        text.append(past?.segments.first?.msn ?? segments[first].msn)
        text.append("\n#EXT-X-DISCONTINUITY-SEQUENCE:")
        // The first segment's own discontinuity is still listed, so it does not count yet (RFC 8216bis §4.4.3.3).
        let sequence = past?.discontinuitySequence ?? segments[first].discontinuitySequence
        text.append(sequence &- (past?.beginsDiscontinuously ?? segments[first].isDiscontinuity ? 1 : 0))
        // Of old segments nobody knows it any more.
        let isIndependent = past == nil && areIndependent(state, rendition)
        if isIndependent { text.append("\n#EXT-X-INDEPENDENT-SEGMENTS") }
        if skipped > 0 {
            text.append("\n#EXT-X-SKIP:SKIPPED-SEGMENTS=")
            text.append(skipped)
        }
        text.append("\n")
    }

    /// Whether all segments listed of a rendition begin with a random access point.
    borrowing func areIndependent(_ state: PlaylistState, _ rendition: RenditionName) -> Bool {
        segments[state.listed].allSatisfy { $0.isIndependent(rendition) }
    }

    /// Hold-backs are three times their target: the least that RFC 8216bis §4.4.3.8 and Apple's authoring rule 14.3
    /// allow, and so the lowest latency. The skip boundary is six target durations, the least allowed.
    private borrowing func appendServerControl(of state: PlaylistState, target: Int, to text: inout PlaylistText) {
        text.append("\n#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,")
        let partTarget = listedPartTarget(state)
        if let partTarget {
            text.append("PART-HOLD-BACK=")
            text.append(milliseconds: partTarget * 3)
            text.append(",")
        }
        text.append("HOLD-BACK=")
        text.append(milliseconds: Int64(target) * 3000)
        text.append(",CAN-SKIP-UNTIL=")
        text.append(milliseconds: Int64(target) * Self.skipBoundary * 1000)
        if let partTarget {
            text.append("\n#EXT-X-PART-INF:PART-TARGET=")
            text.append(milliseconds: partTarget)
        }
    }

    /// EXT-X-TARGETDURATION. A stream that ended before one was decided has its longest segment, rounded.
    borrowing func listedTargetDuration(_ state: PlaylistState) -> Int {
        if let targetDuration { return targetDuration }
        let longest = segments[state.listed].map(\.microseconds).max() ?? 0
        return max(1, Int(truncatingIfNeeded: (longest + 500_000) / 1_000_000))
    }

    /// PART-TARGET in milliseconds, rounded up so that no part exceeds it: the largest of the segments whose parts are
    /// listed. Nil where the newest segment goes without parts.
    borrowing func listedPartTarget(_ state: PlaylistState) -> Int64? {
        guard let last = state.listed.last, segments[last].partTarget != nil else { return nil }
        let targets = segments[firstWithParts(state)...last].compactMap { $0.partTarget?.roundedMicroseconds }
        return targets.max().map { ($0 + 999) / 1000 }
    }

    /// The first segment whose parts are listed: no part stands further than three target durations from the end
    /// (RFC 8216bis §4.4.4.9).
    borrowing func firstWithParts(_ state: PlaylistState) -> Int {
        let limit = Int64(listedTargetDuration(state)) * 3_000_000
        var index = state.listed.upperBound
        var distance: Int64 = 0
        while index > state.listed.lowerBound {
            distance += listedMicroseconds(index - 1, in: state)
            if distance > limit, index < state.listed.upperBound { break }
            index -= 1
        }
        return index
    }

    /// How many of the first segments lie wholly before the skip boundary (RFC 8216bis §6.2.5.1).
    borrowing func skippable(in state: PlaylistState, behind past: Past? = nil) -> Int {
        guard !state.isEnd else { return 0 }
        let boundary = Int64(listedTargetDuration(state)) * Self.skipBoundary * 1_000_000
        let old = past?.segments ?? []
        var distance: Int64 = 0
        for index in state.listed.reversed() {
            if distance >= boundary { return old.count + index - state.listed.lowerBound + 1 }
            distance += listedMicroseconds(index, in: state)
        }
        for index in old.indices.reversed() {
            if distance >= boundary { return index - old.startIndex + 1 }
            distance += old[index].duration.roundedMicroseconds
        }
        return 0
    }

    /// How much of a segment is listed.
    private borrowing func listedMicroseconds(_ index: Int, in state: PlaylistState) -> Int64 {
        guard index >= state.whole.upperBound, state.openParts > 0 else { return segments[index].microseconds }
        return segments[index].parts[state.openParts - 1].elapsed.roundedMicroseconds
    }

    /// CAN-SKIP-UNTIL in target durations.
    static var skipBoundary: Int64 { 6 }
}

// MARK: - Segments

extension MediaWindow {
    fileprivate borrowing func appendSegments(
        of state: PlaylistState, behind past: Past?, skipped: Int, names: SegmentNames, to text: inout PlaylistText
    ) {
        let withParts = listedPartTarget(state) == nil ? state.listed.upperBound : firstWithParts(state)
        for index in state.listed.dropFirst(skipped) {
            let isWhole = index < state.whole.upperBound
            let previous = newestInit(state.listed.lowerBound..<index, names.rendition).map { segments[$0].initSection }
            appendOpening(
                of: index, after: previous ?? past?.segments.last?.initSection, names: names, to: &text)
            if isWhole, segments[index].isGap(names.rendition) { text.append("#EXT-X-GAP\n") }
            if index >= withParts, segments[index].partTarget != nil {
                appendParts(of: index, count: isWhole ? nil : state.openParts, names.rendition, to: &text)
            }
            if isWhole { appendSegment(index, names: names, to: &text) }
        }
    }

    /// Whether a rendition is among the parameters of a segment. A layer that comes or goes is not in all that are listed.
    private borrowing func hasInit(_ index: Int, _ rendition: RenditionName) -> Bool {
        birth(of: segments[index])?.renditions.contains(rendition) ?? true
    }

    /// The newest of the segments of which that is so.
    private borrowing func newestInit(_ indices: Range<Int>, _ rendition: RenditionName) -> Int? {
        for index in indices.reversed() where hasInit(index, rendition) { return index }
        return nil
    }

    /// What must stand before the first part of a segment (RFC 8216bis §4.4.4).
    /// - Parameter map: the init section of the newest segment before it that has one.
    private borrowing func appendOpening(
        of index: Int, after map: InitSectionName?, names: SegmentNames, to text: inout PlaylistText
    ) {
        if segments[index].isDiscontinuity { text.append("#EXT-X-DISCONTINUITY\n") }
        if map != segments[index].initSection, hasInit(index, names.rendition) {
            text.append("#EXT-X-MAP:URI=\"")
            names.appendInit(segments[index], to: &text)
            text.append("\"\n")
        }
        text.append("#EXT-X-PROGRAM-DATE-TIME:")
        text.append(segments[index].programDateText)
        text.append("\n")
    }

    private borrowing func appendParts(
        of index: Int, count: Int?, _ rendition: RenditionName, to text: inout PlaylistText
    ) {
        for part in 0..<(count ?? segments[index].parts.count) {
            text.append("#EXT-X-PART:DURATION=")
            text.append(microseconds: segments[index].parts[part].microseconds)
            text.append(",URI=\"")
            SegmentNames.appendPart(part, of: segments[index].msn, term: segments[index].termText, to: &text)
            let size = segments[index].parts[part].size(rendition)
            let isIndependent = size?.isIndependent ?? segments[index].parts[part].mark.isIndependent
            if segments[index].parts[part].isGap(rendition) {
                text.append("\",GAP=YES\n")
            } else {
                text.append(isIndependent ? "\",INDEPENDENT=YES\n" : "\"\n")
            }
        }
    }

    private borrowing func appendSegment(_ index: Int, names: SegmentNames, to text: inout PlaylistText) {
        text.append("#EXTINF:")
        text.append(microseconds: segments[index].microseconds)
        text.append(",\n")
        names.appendSegment(segments[index], to: &text)
        text.append("\n")
    }
}

extension Past {
    /// Writes all but the first `skipped`.
    fileprivate func append(skipping skipped: Int, names: SegmentNames, to text: inout PlaylistText) {
        guard skipped < segments.count else { return }
        let base = base.map { SegmentBase($0) }
        let stored = confirmed.flatMap { last in storedBase.map { (SegmentBase($0), last) } }
        var map = skipped > 0 ? segments[segments.startIndex + skipped - 1].initSection : nil
        var (term, termText): (Term?, [UInt8]) = (nil, [])
        for index in segments.indices.dropFirst(skipped) {
            let segment = segments[index]
            let isDiscontinuity = index == segments.startIndex ? beginsDiscontinuously : segment.isDiscontinuity
            if isDiscontinuity { text.append("#EXT-X-DISCONTINUITY\n") }
            if map != segment.initSection { text.append(map: segment.initSection) }
            map = segment.initSection
            if term != segment.term { (term, termText) = (segment.term, Array(segment.term.description.utf8)) }
            text.append("#EXT-X-PROGRAM-DATE-TIME:")
            text.append(segment.programDateTime.description)
            text.append(segment.isGap ? "\n#EXT-X-GAP\n#EXTINF:" : "\n#EXTINF:")
            text.append(microseconds: segment.duration.roundedMicroseconds)
            text.append(",\n")
            let place = stored.flatMap { $0.1 >= segment.msn ? $0.0 : nil } ?? base
            names.appendSegment(segment.msn, termText, at: place, to: &text)
            text.append("\n")
        }
    }
}

// MARK: - What comes next

extension MediaWindow {
    fileprivate borrowing func appendTail(
        of state: PlaylistState, rendition: RenditionName, query: String, to text: inout PlaylistText
    ) {
        guard !state.isEnd else { return text.append("#EXT-X-ENDLIST\n") }
        guard let last = state.listed.last else { return }
        let hasParts = listedPartTarget(state) != nil
        let isOpen = state.openParts > 0
        if hasParts, hasInit(last, rendition) {
            text.append("#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"")
            SegmentNames.appendPart(
                state.openParts, of: segments[last].msn &+ (isOpen ? 0 : 1), term: segments[last].termText, to: &text)
            text.append("\"\n")
        }
        let lastPart = isOpen ? state.openParts - 1 : segments[last].parts.count - 1
        // All renditions share the marks, so all stand where this one does.
        for other in birth(of: segments[last])?.renditions ?? [] where other != rendition {
            text.append("#EXT-X-RENDITION-REPORT:URI=\"../")
            text.append(other.description)
            text.append("/media.m3u8")
            text.append(query: query)
            text.append("\",LAST-MSN=")
            text.append(segments[last].msn)
            if hasParts, lastPart >= 0 {
                text.append(",LAST-PART=")
                text.append(lastPart)
            }
            text.append("\n")
        }
    }
}
