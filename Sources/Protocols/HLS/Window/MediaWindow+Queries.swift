// SPDX-License-Identifier: Apache-2.0

public import Feed
public import Identity
public import Media

/// What a role may ask of a window without touching its media.
extension MediaWindow {
    /// Whether the stream is over and everything before its end is committed.
    public var isEnded: Bool { endReason != nil && committed == segments.last?.lastPosition }

    /// The text that a request without directives gets; nil as long as none may be answered. That is so, too, where a
    /// newer term took back what was listed here: playlists never go back, they wait until the term is past that.
    public var currentKey: PlaylistKey? {
        guard let committed, furthest.map({ committed >= $0 }) ?? true else { return nil }
        let key = PlaylistKey(position: committed, isEnd: isEnded)
        guard let state = state(key), isReady(state) else { return nil }
        guard let beginning, segments.indices.contains(state.whole.lowerBound) else { return key }
        return segments[state.whole.lowerBound].msn < beginning ? nil : key
    }

    /// How far requests can be answered: all that wait for this position or an earlier one are to be asked again. A
    /// request for a whole segment waits for part `Int.max` of it.
    public var reach: PartPosition? {
        guard let committed, let index = index(of: committed.msn) else { return committed }
        let isClosed = segments[index].phase == .closed && segments[index].lastPosition == committed
        return isClosed ? PartPosition(msn: committed.msn, part: .max) : committed
    }

    /// The parameters of the newest segment, or the newest heard of.
    public var parameters: Parameters? { segments.last.flatMap(parameters(of:)) ?? births.last?.parameters }

    /// The renditions of the newest parameters, `main` first.
    public var renditions: [RenditionName] { births.last?.renditions ?? [] }

    /// The numbers of the segments held, listed or not; nil where none is.
    public var held: ClosedRange<MediaSequenceNumber>? {
        guard let first = segments.first, let last = segments.last, first.msn <= last.msn else { return nil }
        return first.msn...last.msn
    }

    /// When the first picture of a part was, by the dates of the stream; nil where the part is not held.
    public func date(of position: PartPosition) -> WallTime? {
        guard let index = index(of: position.msn), segments[index].parts.indices.contains(position.part) else {
            return nil
        }
        let before = position.part == 0 ? .zero : segments[index].parts[position.part - 1].elapsed
        return segments[index].programDateTime.advanced(by: before)
    }

    /// Whether a part ends no further from the end of what is listed than PART-HOLD-BACK has players stay, three part targets.
    public func isNearEnd(_ position: PartPosition) -> Bool {
        guard let target = segments.last?.partTarget else { return false }
        return distance(after: position) <= target * 3
    }

    /// How long a request may wait: three target durations (RFC 8216bis §6.2.5.2). Without parts no longer than 8 s,
    /// because segments may be long there and hls.js gives a playlist up after 10 s.
    public var longestWait: Duration {
        guard let targetDuration else { return settings.waitBeforeFirstPlaylist }
        return hasParts ? .seconds(targetDuration * 3) : min(.seconds(targetDuration * 3), .seconds(8))
    }

    /// Whether the newest segment has parts.
    var hasParts: Bool { segments.last?.partTarget != nil }

    /// Media time from the end of a part to the end of what is committed.
    func distance(after position: PartPosition) -> Duration {
        guard let committed, let from = index(of: position.msn), let last = index(of: committed.msn) else {
            return .zero
        }
        guard from <= last else { return .zero }
        return segments[from..<last].reduce(elapsed(last, to: committed.part) - elapsed(from, to: position.part)) {
            $0 + $1.duration
        }
    }

    private func elapsed(_ index: Int, to part: Int) -> Duration {
        let segment = segments[index]
        return segment.parts.indices.contains(part) ? segment.parts[part].elapsed : segment.duration
    }
}
