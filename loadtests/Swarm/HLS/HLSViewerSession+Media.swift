// SPDX-License-Identifier: Apache-2.0

import Bytes

extension HLSViewerSession {
    /// Asks for the next of what is listed, or for its init section.
    mutating func fetch(_ now: Duration, _ commons: inout HLSCommons, _ directives: inout [Directive]) {
        while let unit = queue.first {
            let needed = unit.initSection.flatMap { $0 == initSection ? nil : $0 }
            guard let address = address(of: needed ?? unit.uri) else {
                commons.tally.count(.unexpected)
                queue.removeFirst()
                continue
            }
            guard needed == nil else {
                let request = HLSRequest(.initSection, address, wantsBody: false)
                return fly(request, lane: mediaLane, now, &directives)
            }
            queue.removeFirst()
            return fetch(unit, at: address, isHint: false, now, &commons, &directives)
        }
        guard let unit = hint, let address = address(of: unit.uri) else { return }
        hint = nil
        fetch(unit, at: address, isHint: true, now, &commons, &directives)
    }

    private mutating func fetch(
        _ unit: HLSUnit, at address: HTTPAddress, isHint: Bool, _ now: Duration, _ commons: inout HLSCommons,
        _ directives: inout [Directive]
    ) {
        let wantsBody = commons.stamps.claim(address.path)
        let request = HLSRequest(unit.isWhole ? .segment : .part, address, wantsBody: wantsBody)
        fly(request, of: unit, lane: mediaLane, isHint: isHint, now, &directives)
    }

    mutating func takeMedia(
        _ answer: HTTPAnswer, _ flight: Flight, _ now: Duration, _ commons: inout HLSCommons,
        _ directives: inout [Directive]
    ) {
        guard answer.status == 200 else {
            if !flight.isHint { commons.tally.count(Self.fault(answer.status)) }
            return failed(flight, now, &commons, &directives)
        }
        mediaTries = 0
        commons.tally.mediaBytes += answer.size.bytes
        if !flight.isHint { commons.tally.mediaTimes.add(now - flight.since) }
        guard let unit = flight.unit else {
            initSection = queue.first?.initSection
            return commons.tally.initSections += 1
        }
        if unit.isWhole { commons.tally.segments += 1 } else { commons.tally.parts += 1 }
        let path = flight.request.address.path
        let stamp =
            flight.request.wantsBody ? commons.stamps.read(answer.body, from: path) : commons.stamps.stamp(path)
        guard flight.isHint else { return show(unit, stamp, now, &commons) }
        // The playlist may have listed it meanwhile.
        early = (unit.position, stamp)
        if let listed = queue.first, listed.position == unit.position, !listed.isWhole {
            early = nil
            queue.removeFirst()
            show(listed, stamp, now, &commons)
        }
    }

    /// After failed media: again, elsewhere, or not at all.
    mutating func mediaFailed(
        _ flight: Flight, _ now: Duration, _ commons: inout HLSCommons, _ directives: inout [Directive]
    ) {
        guard !flight.isHint else { return commons.tally.wastedHints += 1 }
        if let unit = flight.unit { queue.insert(unit, at: 0) }
        mediaTries += 1
        if mediaTries >= settings.triesOfPathway, pathways.count > 1 {
            return leavePathway(now, &commons, &directives)
        }
        mediaTime = now + delay(after: mediaTries)
        guard mediaTries > settings.tries, !queue.isEmpty else { return }
        queue.removeFirst()
        mediaTries = 0
        commons.tally.count(.missed)
    }

    /// Adds a unit to what can be shown.
    mutating func show(_ unit: HLSUnit, _ stamp: Duration?, _ now: Duration, _ commons: inout HLSCommons) {
        var playback = self.playback ?? Playback(startingAt: startOffset)
        if let stamp {
            note(stamp, at: playback.buffered)
            if let joined, unit.position >= joined { commons.tally.arrivals.add(now - stamp) }
        }
        switch playback.append(unit.duration, now: now) {
        case .began:
            commons.tally.started += 1
            commons.tally.startTimes.add(now - began)
        case .none: break
        case .resumed(let length): countStall(length, &commons)
        }
        self.playback = playback
    }

    /// How far what is shown lies behind the publisher, by its stamps; nil before the first picture, and without stamps.
    public func latency(now: Duration) -> Duration? {
        guard let position = playback?.position(now: now),
            let place = offsets.last(where: { $0.from <= position }) ?? offsets.first
        else { return nil }
        return now - position - place.offset
    }

    /// Adds how far behind the viewer is now. At even distances: whoever stands then counts for as long as it stands, and
    /// not only once when it goes on.
    public func measure(now: Duration, commons: inout HLSCommons) {
        if let latency = latency(now: now) { commons.tally.latencies.add(latency) }
    }

    private mutating func note(_ stamp: Duration, at position: Duration) {
        let offset = stamp - position
        if let last = offsets.last, max(offset - last.offset, last.offset - offset) < Self.jump {
            return offsets[offsets.count - 1].offset = offset
        }
        if offsets.count == Self.mostOffsets { offsets.removeFirst() }
        offsets.append((position, offset))
    }

    mutating func countStall(_ length: Duration, _ commons: inout HLSCommons) {
        let isLong = length > Self.longStall
        commons.tally.stalls += 1
        commons.tally.stallTimes.add(length)
        commons.tally.stood += length
        commons.tally.longStalls += isLong ? 1 : 0
        commons.tally.stalledViewers += hasStalled ? 0 : 1
        commons.tally.longStalledViewers += isLong && !hasStalledLong ? 1 : 0
        hasStalled = true
        hasStalledLong = hasStalledLong || isLong
    }

    /// Where a URI of the last playlist leads; most are plain names beside it.
    private func address(of uri: String) -> HTTPAddress? {
        let isPlain = !uri.utf8.contains(UInt8(ascii: ":")) && uri.utf8.first.map { $0 != 0x2E && $0 != 0x2F } ?? false
        return isPlain ? base.at(folder + uri) : base.following(uri)
    }

    private static var longStall: Duration { .seconds(2) }
    /// By how much stamps and durations may differ from one unit to the next.
    private static var jump: Duration { .milliseconds(50) }
    /// What is buffered has fewer jumps.
    private static var mostOffsets: Int { 4 }
}
