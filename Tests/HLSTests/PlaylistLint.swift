// SPDX-License-Identifier: Apache-2.0

import HLS

/// The rules of RFC 8216bis for a live playlist and for its changes from one to the next, read from the text alone.
struct PlaylistLint {
    private var targetDuration: Double?
    private var lastSequence = 0.0
    private var lastEnd = 0.0
    /// The discontinuity number of every segment seen.
    private var discontinuities: [String: Int] = [:]

    /// What is wrong with the next playlist.
    mutating func faults(full: PlaylistLines, delta: PlaylistLines) -> [String] {
        header(full) + order(full) + durations(full) + segments(full) + Self.reconstruction(full: full, delta: delta)
    }

    private mutating func header(_ playlist: PlaylistLines) -> [String] {
        var faults: [String] = []
        let target = playlist.number("EXT-X-TARGETDURATION")
        if target == nil || targetDuration != nil && target != targetDuration { faults.append("target duration") }
        targetDuration = target
        let control = playlist.lines.first { $0.hasPrefix("#EXT-X-SERVER-CONTROL") } ?? ""
        let skip = PlaylistLines.attribute("CAN-SKIP-UNTIL", control).flatMap { Double($0) } ?? 0
        let holdBack = PlaylistLines.attribute("HOLD-BACK", control).flatMap { Double($0) } ?? 0
        if skip < 6 * (target ?? 1) || holdBack < 3 * (target ?? 1) { faults.append("server control") }
        let partTarget = playlist.lines.first { $0.hasPrefix("#EXT-X-PART-INF") }
            .flatMap { PlaylistLines.attribute("PART-TARGET", $0) }.flatMap { Double($0) }
        if let partTarget {
            let partHoldBack = PlaylistLines.attribute("PART-HOLD-BACK", control).flatMap { Double($0) } ?? 0
            if partHoldBack < 3 * partTarget - 0.000_1 { faults.append("part hold-back") }
            if playlist.count("EXT-X-PRELOAD-HINT") != 1 { faults.append("hint") }
        } else if playlist.count("EXT-X-PART") > 0 || playlist.count("EXT-X-PRELOAD-HINT") > 0 {
            faults.append("parts without EXT-X-PART-INF")
        }
        return faults
    }

    /// What must precede a segment's first part precedes it, and is never the last word.
    private func order(_ playlist: PlaylistLines) -> [String] {
        var faults: [String] = []
        for (line, next) in zip(playlist.lines, playlist.lines.dropFirst() + [""]) {
            let opens = ["#EXT-X-DISCONTINUITY", "#EXT-X-MAP", "#EXT-X-PROGRAM-DATE-TIME", "#EXT-X-GAP"]
            guard opens.contains(where: { line.hasPrefix($0) }), !line.hasPrefix("#EXT-X-DISCONTINUITY-") else {
                continue
            }
            let follows = opens + ["#EXT-X-PART:", "#EXTINF"]
            if !follows.contains(where: { next.hasPrefix($0) }) { faults.append("\(line) before \(next)") }
        }
        if playlist.count("EXT-X-PROGRAM-DATE-TIME") < playlist.count("EXTINF") { faults.append("date time") }
        return faults
    }

    /// Parts add up to their segment and no part exceeds the target; the whole is never under three targets once
    /// anything was removed, and its end never goes back.
    private mutating func durations(_ playlist: PlaylistLines) -> [String] {
        var faults: [String] = []
        var parts = 0
        var total = 0
        let limit =
            playlist.lines.first { $0.hasPrefix("#EXT-X-PART-INF") }
            .flatMap { PlaylistLines.attribute("PART-TARGET", $0) }.flatMap { Double($0) } ?? 0
        for line in playlist.lines {
            if line.hasPrefix("#EXT-X-PART:") {
                let part = PlaylistLines.attribute("DURATION", line).flatMap { PlaylistLines.microseconds($0) } ?? -1
                if part < 0 || Double(part) > limit * 1_000_000 { faults.append("part of \(part)") }
                parts += part
            } else if line.hasPrefix("#EXTINF:") {
                let segment = PlaylistLines.microseconds(line.dropFirst(8).dropLast()) ?? -1
                if parts > 0, parts != segment { faults.append("parts of \(parts), segment of \(segment)") }
                if (Double(segment) / 1_000_000).rounded() > targetDuration ?? 0 {
                    faults.append("segment of \(segment)")
                }
                total += segment
                parts = 0
            }
        }
        let isCut = lastSequence > 0 && (playlist.number("EXT-X-MEDIA-SEQUENCE") ?? 0) > 100
        if isCut, Double(total) < 3_000_000 * (targetDuration ?? 0) { faults.append("\(total) in all") }
        return faults
    }

    /// Numbers go forward only, and a segment's discontinuity number never changes.
    private mutating func segments(_ playlist: PlaylistLines) -> [String] {
        var faults: [String] = []
        let sequence = playlist.number("EXT-X-MEDIA-SEQUENCE") ?? -1
        let end = sequence + Double(playlist.count("EXTINF"))
        if sequence < lastSequence || end < lastEnd { faults.append("went back") }
        (lastSequence, lastEnd) = (sequence, end)
        var discontinuity = Int(playlist.number("EXT-X-DISCONTINUITY-SEQUENCE") ?? -1)
        var hasMap = false
        for line in playlist.lines {
            if line == "#EXT-X-DISCONTINUITY" { discontinuity += 1 }
            if line.hasPrefix("#EXT-X-MAP") { hasMap = true }
            guard !line.hasPrefix("#") else { continue }
            if !hasMap { faults.append("no init section for \(line)") }
            if discontinuities[line] ?? discontinuity != discontinuity { faults.append("discontinuity of \(line)") }
            discontinuities[line] = discontinuity
        }
        return faults
    }

    /// The delta update, with the skipped segments' lines put back from the full text, is the full text.
    private static func reconstruction(full: PlaylistLines, delta: PlaylistLines) -> [String] {
        guard let skip = delta.lines.firstIndex(where: { $0.hasPrefix("#EXT-X-SKIP") }) else {
            return full.lines == delta.lines ? [] : ["delta"]
        }
        let skipped = Int(delta.lines[skip].drop { $0 != "=" }.dropFirst()) ?? 0
        let head = full.lines[..<skip]
        var left = skipped
        let lines = full.lines[skip...].prefix { line in
            defer { if !line.hasPrefix("#") { left -= 1 } }
            return left > 0
        }
        let isSameHead = head.dropFirst(2) == delta.lines[..<skip].dropFirst(2)
        return isSameHead && head + lines + delta.lines[(skip + 1)...] == head + full.lines[skip...] ? [] : ["delta"]
    }
}
