// SPDX-License-Identifier: Apache-2.0

import Bytes

extension HLSViewerSession {
    mutating func takePlaylist(
        _ answer: HTTPAnswer, _ flight: Flight, _ now: Duration, _ commons: inout HLSCommons,
        _ directives: inout [Directive]
    ) {
        guard answer.status == 200 else {
            commons.tally.refusedTimes.add(now - flight.since)
            // A stream that nobody has published yet is not missing, and a server may be full.
            guard position == nil, answer.status == 404 || answer.status == 503 else {
                commons.tally.count(Self.fault(answer.status))
                return playlistFailed(now, &commons, &directives)
            }
            commons.tally.notReady += 1
            if pathways.count > 1 { return playlistFailed(now, &commons, &directives) }
            return reload = ("", now + Self.patience)
        }
        let path = flight.request.address.path
        guard let known = try? commons.playlists.read(answer.body, from: path) else {
            commons.tally.count(.malformed)
            return playlistFailed(now, &commons, &directives)
        }
        playlistTries = 0
        count(answer, flight, now, &commons.tally)
        settle(flight)
        if known.pathways.isEmpty {
            take(known, flight, now, &commons)
        } else {
            choose(known, now)
        }
    }

    /// After a failed playlist: again, elsewhere, or from the beginning.
    mutating func playlistFailed(_ now: Duration, _ commons: inout HLSCommons, _ directives: inout [Directive]) {
        playlistTries += 1
        if playlistTries >= settings.triesOfPathway, pathways.count > 1 {
            return leavePathway(now, &commons, &directives)
        }
        if playlistTries > settings.tries, position != nil { beginAnew(&commons, &directives) }
        reload = ("", now + delay(after: playlistTries))
    }

    static func fault(_ status: Int) -> HLSFault {
        switch status {
        case 400..<500: .refused
        case 500...: .server
        default: .unexpected
        }
    }

    /// How long a viewer waits for a stream that is not there yet, where it knows no other place.
    private static var patience: Duration { .seconds(1) }
}

extension HLSViewerSession {
    private func count(_ answer: HTTPAnswer, _ flight: Flight, _ now: Duration, _ tally: inout ViewerTally) {
        tally.playlists += 1
        tally.playlistBytes += answer.size.bytes
        if flight.request.kind == .playlist(isBlocking: true) {
            tally.blockedTimes.add(now - flight.since)
        } else {
            tally.playlistTimes.add(now - flight.since)
        }
    }

    /// URIs begin where the playlist was found in the end; the next one is asked for where this one was.
    private mutating func settle(_ flight: Flight) {
        let place = flight.hops > 0 ? flight.request.address : source
        guard place != base else { return }
        base = place
        folder = place.folder
    }

    private mutating func take(
        _ known: KnownPlaylist, _ flight: Flight, _ now: Duration, _ commons: inout HLSCommons
    ) {
        targetDuration = known.list.targetDuration
        partTarget = settings.isLowLatency ? known.list.partTarget : nil
        let next = known.next(isLowLatency: settings.isLowLatency)
        let isNew = edge != next
        hint = nil
        if isNew {
            if edge != nil { commons.tally.playlistIntervals.add(now - edgeTime) }
            edgeTime = now
            edge = next
            (probes, probeTime) = (0, .zero)
            guard follow(known, now, &commons) else { return reload = ("", now) }
        } else {
            commons.tally.unchangedPlaylists += 1
        }
        guard !known.list.isEnded else { return isLast = true }
        reload = plan(known, isNew: isNew, since: flight.since, now)
        takeHint(known)
    }

    /// When the next playlist is asked for: at once where the server holds the answer; else RFC 8216 §6.3.4.
    private func plan(
        _ known: KnownPlaylist, isNew: Bool, since: Duration, _ now: Duration
    ) -> (query: String, at: Duration) {
        let list = known.list
        guard settings.isLowLatency, list.canBlockReload, !list.segments.isEmpty else {
            let wait = isNew ? targetDuration : targetDuration / 2
            return ("", max(now, since + max(wait, Self.shortestPoll)))
        }
        let next = list.next
        let part = list.partTarget == nil ? "" : "&_HLS_part=\(next.part)"
        let skip = settings.takesDeltas && list.canSkipUntil != nil ? "&_HLS_skip=YES" : ""
        // A server that does not wait, because the publisher is away, is not asked in a circle.
        return ("_HLS_msn=\(next.msn)\(part)\(skip)", isNew ? now : now + (list.partTarget ?? targetDuration))
    }

    /// Puts all that is listed from the viewer's place on into the queue. False where this playlist leaves out what the
    /// viewer needs.
    private mutating func follow(_ known: KnownPlaylist, _ now: Duration, _ commons: inout HLSCommons) -> Bool {
        let units = known.units(isLowLatency: settings.isLowLatency)
        guard let first = units.first else { return true }
        let next = known.next(isLowLatency: settings.isLowLatency)
        var from = units.endIndex
        if let position, position >= first.position, position.msn <= next.msn &+ Self.ahead {
            while from > units.startIndex, units[from - 1].position >= position { from -= 1 }
        } else {
            if let position, position < first.position, position.msn >= known.list.firstMSN, known.list.skipped > 0 {
                edge = nil
                return false
            }
            if position != nil { commons.tally.count(.missed) }
            position = nil
            from = join(known)
        }
        queue += units[from...].lazy.filter { !$0.isGap }
        position = max(position ?? next, next)
        takeEarly(now, &commons)
        return true
    }

    private mutating func join(_ known: KnownPlaylist) -> Int {
        let (index, offset) = known.start(isLowLatency: settings.isLowLatency)
        startOffset = offset
        joined = known.next(isLowLatency: settings.isLowLatency)
        queue = []
        return index
    }

    private static var shortestPoll: Duration { .milliseconds(250) }
    /// How many segments one server may lack that another has shown.
    private static var ahead: UInt64 { 2 }
}

// MARK: - Hints

extension HLSViewerSession {
    /// The part that comes next is asked for when all that is listed is fetched.
    private mutating func takeHint(_ known: KnownPlaylist) {
        guard settings.takesHints, settings.connections == 2, let uri = known.hint, let partTarget,
            initSection != nil
        else { return }
        hint = HLSUnit(
            position: known.list.next, isWhole: false, uri: uri, duration: partTarget, isIndependent: false,
            isGap: false, initSection: initSection)
    }

    /// A part that came before it was listed is shown now that its length is known; one that never is, was for nothing.
    private mutating func takeEarly(_ now: Duration, _ commons: inout HLSCommons) {
        guard let early, let edge, early.position < edge else { return }
        self.early = nil
        guard let unit = queue.first, unit.position == early.position, !unit.isWhole else {
            return commons.tally.wastedHints += 1
        }
        queue.removeFirst()
        show(unit, early.stamp, now, &commons)
    }
}
