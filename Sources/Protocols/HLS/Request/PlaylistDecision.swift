// SPDX-License-Identifier: Apache-2.0

import Bytes
import Feed
import Identity
import Media

/// The rows of the table for playlists (RFC 8216bis §6.2.5.2).
extension MediaWindow {
    func multivariantPlaylist(_ circumstances: BlockingReload.Circumstances) -> BlockingReload.Directive {
        if currentKey != nil, circumstances.hasBeenLevel || isEnded {
            return .multivariantPlaylist(.seconds(max(1, targetDuration ?? 1)))
        }
        return isEnded ? .refuse(.notFound) : wait(until: next)
    }

    func playlist(
        _ rendition: RenditionName, query: ByteSlice, _ circumstances: BlockingReload.Circumstances
    ) -> BlockingReload.Directive {
        let isLevel = circumstances.isLevel
        guard has(rendition) else { return isLevel && !births.isEmpty ? .refuse(.notFound) : wait(until: next) }
        if isEnded {  // directives mean nothing to a playlist that will not change
            return currentKey.map { .playlist($0, isDelta: false, .brief) } ?? .refuse(.notFound)
        }
        guard let query = try? PlaylistQuery(parsing: query) else { return .refuse(.badRequest) }
        guard let current = currentKey else { return wait(until: next) }
        let unchanged =
            circumstances.hasBeenLevel
            ? BlockingReload.Directive.playlist(current, isDelta: query.skip, .brief) : wait(until: next)
        guard let msn = query.msn else { return unchanged }
        if isLevel, isTooFar(msn, part: query.part) { return .refuse(.badRequest) }
        guard let position = position(msn, part: query.part) else { return unchanged }
        let key = PlaylistKey(position: position)
        guard let reach, position <= reach else { return wait(until: position) }
        let oldest = Duration.seconds((targetDuration ?? 1) * 3)
        guard distance(after: position) <= oldest, let state = state(key), isReady(state) else { return unchanged }
        return .playlist(key, isDelta: query.skip, .seconds(Int(Self.skipBoundary) * (targetDuration ?? 1)))
    }

    /// The position that a request means: where it is there, a part or a gap that is held; else one to wait for. Nil
    /// where it is no longer held.
    private func position(_ msn: MediaSequenceNumber, part: Int?) -> PartPosition? {
        guard let index = index(of: msn) else {
            guard let held, msn > held.upperBound else { return nil }
            return awaited(msn, part: part)
        }
        let segment = segments[index]
        let part = segment.partTarget == nil ? nil : part
        guard let last = segment.lastPosition else { return awaited(msn, part: part) }
        if let part, part <= last.part { return PartPosition(msn: msn, part: part) }
        switch (segment.phase, part) {
        case (.open, _): return awaited(msn, part: part)
        case (.closed, nil): return last
        // What is behind a segment's last part is the first of the next (§6.2.5.2), and there a segment that was cut
        // off is first listed whole.
        case (.closed, _), (.cutOff, _): return position(msn &+ 1, part: 0)
        }
    }

    /// A position to wait for; a stream without parts moves by whole segments.
    private func awaited(_ msn: MediaSequenceNumber, part: Int?) -> PartPosition {
        PartPosition(msn: msn, part: segments.last?.partTarget == nil ? .max : part ?? .max)
    }

    /// Whether a request is further ahead than a client that knows the playlist can mean: more than two segments behind
    /// the last whole one, or more than the Advance Part Limit behind the last part, which is three seconds' worth of
    /// parts, at least three.
    private func isTooFar(_ msn: MediaSequenceNumber, part: Int?) -> Bool {
        guard let reach else { return false }
        let lastWhole = reach.part == .max ? reach.msn : reach.msn &- 1
        if msn > lastWhole, msn - lastWhole > 2 { return true }
        guard let part, msn > lastWhole, let target = segments.last?.partTarget else { return false }
        let ahead = part - (msn == reach.msn ? reach.part : -1)
        return ahead > 3 && target * ahead > .seconds(3)
    }

    /// The very next part.
    var next: PartPosition {
        guard let reach else { return PartPosition(msn: 0, part: 0) }
        guard reach.part != .max else { return PartPosition(msn: reach.msn &+ 1, part: 0) }
        return PartPosition(msn: reach.msn, part: reach.part + 1)
    }

    func wait(until position: PartPosition) -> BlockingReload.Directive {
        .wait(until: position, atMost: longestWait)
    }

    /// Whether anything held has a track of the rendition.
    func has(_ rendition: RenditionName) -> Bool { births.contains { $0.renditions.contains(rendition) } }
}
