// SPDX-License-Identifier: Apache-2.0

import Bytes

/// One viewer of a stream, Low-Latency or not: what it asks for next, given the answers so far.
///
/// With parts it reloads by blocking requests and fetches every part as it is listed, from PART-HOLD-BACK behind the
/// end. Without, it fetches segments from HOLD-BACK behind the end and reloads every half target duration. It fetches
/// what a player would and decodes nothing.
///
/// A lane is a connection: lane 0 carries playlists, and media too where it is the only one.
public struct HLSViewerSession: Sendable {
    /// What the owner of the connections must do.
    public enum Directive: Hashable, Sendable {
        /// Close the lane's connection; its request was given up.
        case close(lane: Int)
        /// The stream is over.
        case end
        /// Send the request; nothing else is under way on the lane.
        case get(HLSRequest, lane: Int)
    }

    private struct Flight {
        let request: HLSRequest
        let since: Duration
        let deadline: Duration
    }

    private let address: HTTPAddress
    private let settings: HLSViewerSettings
    private var playlistPath: String
    private var flights: [Flight?]
    private var queue: [HLSRequest] = []
    /// The first unit not yet asked for; nil until there was a playlist.
    private var position: MediaPosition?
    /// Where the last playlist ended.
    private var edge: MediaPosition?
    private var edgeTime: Duration?
    private var initSection: String?
    /// The next playlist, once it may be asked for; nil while one is under way or the stream is over.
    private var playlist: (request: HLSRequest, at: Duration)?
    private var targetDuration: Duration = .zero
    private var began: Duration = .zero
    private var hasMedia = false
    private var isOver = false

    /// A viewer of the playlist at `address`, multivariant or media.
    public init(_ address: HTTPAddress, settings: HLSViewerSettings = HLSViewerSettings()) {
        precondition((1...2).contains(settings.connections), "\(settings.connections) connections")
        self.address = address
        self.settings = settings
        playlistPath = address.path
        flights = Array(repeating: nil, count: settings.connections)
    }

    /// When `tick` must be called though nothing came.
    public var nextDeadline: Duration? {
        var deadline = flights.lazy.compactMap { $0?.deadline }.min()
        if let playlist, flights[0] == nil { deadline = min(deadline ?? playlist.at, playlist.at) }
        return deadline
    }

    /// Begins.
    public mutating func start(now: Duration, into directives: inout [Directive]) {
        began = now
        playlist = (HLSRequest(.playlist(isBlocking: false), playlistPath), now)
        send(now, &directives)
    }

    /// Takes the answer to the request under way on a lane.
    public mutating func receive(
        _ answer: HTTPAnswer, lane: Int, now: Duration, tally: inout ViewerTally, into directives: inout [Directive]
    ) {
        guard let flight = flights[lane] else { return }
        flights[lane] = nil
        if flight.request.wantsBody {
            takePlaylist(answer, flight, now, &tally)
        } else {
            takeMedia(answer, flight, now, &tally)
        }
        send(now, &directives)
    }

    /// The connection of a lane could not be made, ended, or said what is no HTTP.
    public mutating func fail(
        _ fault: HLSFault, lane: Int, now: Duration, tally: inout ViewerTally, into directives: inout [Directive]
    ) {
        guard let flight = flights[lane] else { return }
        flights[lane] = nil
        tally.count(fault)
        if flight.request.wantsBody { retry(now) }
        send(now, &directives)
    }

    /// Gives up what took too long, and asks for what is due.
    public mutating func tick(now: Duration, tally: inout ViewerTally, into directives: inout [Directive]) {
        for (lane, flight) in flights.enumerated() {
            guard let flight, flight.deadline <= now else { continue }
            directives.append(.close(lane: lane))
            fail(.timeout, lane: lane, now: now, tally: &tally, into: &directives)
        }
        send(now, &directives)
    }
}

// MARK: - Requests

extension HLSViewerSession {
    private mutating func send(_ now: Duration, _ directives: inout [Directive]) {
        let mediaLane = flights.count - 1
        if flights[mediaLane] == nil, !queue.isEmpty { fly(queue.removeFirst(), mediaLane, now, &directives) }
        if flights[0] == nil, let next = playlist, next.at <= now {
            playlist = nil
            fly(next.request, 0, now, &directives)
        }
        if isOver, queue.isEmpty, flights.allSatisfy({ $0 == nil }) {
            isOver = false
            directives.append(.end)
        }
    }

    private mutating func fly(_ request: HLSRequest, _ lane: Int, _ now: Duration, _ directives: inout [Directive]) {
        var deadline = now + settings.answerTimeout
        if request.kind == .playlist(isBlocking: true) { deadline += targetDuration * 3 }
        flights[lane] = Flight(request: request, since: now, deadline: deadline)
        directives.append(.get(request, lane: lane))
    }

    private mutating func retry(_ now: Duration) {
        playlist = (HLSRequest(.playlist(isBlocking: false), playlistPath), now + settings.retryDelay)
    }

    private mutating func enqueue(_ kind: HLSRequest.Kind, _ uri: String, _ tally: inout ViewerTally) {
        guard let path = address.resolve(uri, base: playlistPath) else { return tally.count(.unexpected) }
        queue.append(HLSRequest(kind, path))
    }
}

// MARK: - Answers

extension HLSViewerSession {
    private mutating func takeMedia(
        _ answer: HTTPAnswer, _ flight: Flight, _ now: Duration, _ tally: inout ViewerTally
    ) {
        guard answer.status == 200 else { return tally.count(Self.fault(answer.status)) }
        tally.mediaBytes += answer.size.bytes
        tally.mediaTimes.add(now - flight.since)
        switch flight.request.kind {
        case .initSection: tally.initSections += 1
        case .part: tally.parts += 1
        case .playlist, .segment: tally.segments += 1
        }
        guard !hasMedia, flight.request.kind != .initSection else { return }
        hasMedia = true
        tally.started += 1
        tally.startTimes.add(now - began)
    }

    private mutating func takePlaylist(
        _ answer: HTTPAnswer, _ flight: Flight, _ now: Duration, _ tally: inout ViewerTally
    ) {
        guard answer.status == 200 else {
            let isEarly = edge == nil && (answer.status == 404 || answer.status == 503)
            if isEarly { tally.notReady += 1 } else { tally.count(Self.fault(answer.status)) }
            return retry(now)
        }
        guard let list = try? HLSPlaylist(answer.body) else {
            tally.count(.malformed)
            return retry(now)
        }
        tally.playlists += 1
        tally.playlistBytes += answer.size.bytes
        if flight.request.kind == .playlist(isBlocking: true) {
            tally.blockedTimes.add(now - flight.since)
        } else {
            tally.playlistTimes.add(now - flight.since)
        }
        if let variant = list.variants.first {
            choose(list.string(variant), now, &tally)
        } else {
            take(list, now, &tally)
        }
    }

    private mutating func choose(_ variant: String, _ now: Duration, _ tally: inout ViewerTally) {
        guard let path = address.resolve(variant, base: playlistPath) else {
            tally.count(.unexpected)
            return retry(now)
        }
        playlistPath = path
        playlist = (HLSRequest(.playlist(isBlocking: false), path), now)
    }

    private mutating func take(_ list: HLSPlaylist, _ now: Duration, _ tally: inout ViewerTally) {
        targetDuration = list.targetDuration
        let next = list.next
        let isNew = edge.map { $0 != next } ?? true
        if isNew {
            if let edgeTime { tally.playlistIntervals.add(now - edgeTime) }
            edgeTime = now
            edge = next
            follow(list, &tally)
        } else {
            tally.unchangedPlaylists += 1
        }
        guard !list.isEnded else {
            tally.ended += 1
            isOver = true
            return
        }
        playlist = reload(list, next, isNew: isNew, now)
    }

    private func reload(
        _ list: HLSPlaylist, _ next: MediaPosition, isNew: Bool, _ now: Duration
    ) -> (request: HLSRequest, at: Duration) {
        guard list.canBlockReload, !list.segments.isEmpty else {
            let wait = max(targetDuration / 2, Self.shortestPoll)
            return (HLSRequest(.playlist(isBlocking: false), playlistPath), now + wait)
        }
        let part = list.partTarget == nil ? "" : "&_HLS_part=\(next.part)"
        let mark = playlistPath.contains("?") ? "&" : "?"
        let path = "\(playlistPath)\(mark)_HLS_msn=\(next.msn)\(part)"
        // A server that does not wait, because the publisher is away, is not asked in a circle.
        return (HLSRequest(.playlist(isBlocking: true), path), isNew ? now : now + (list.partTarget ?? targetDuration))
    }

    private static func fault(_ status: Int) -> HLSFault {
        switch status {
        case 400..<500: .refused
        case 500...: .server
        default: .unexpected
        }
    }

    private static let shortestPoll: Duration = .milliseconds(250)
}

// MARK: - The place in the stream

extension HLSViewerSession {
    /// Asks for all that is listed from the viewer's place on.
    private mutating func follow(_ list: HLSPlaylist, _ tally: inout ViewerTally) {
        guard let first = list.segments.first else { return }
        var position = self.position ?? list.start
        if position.msn < first.msn || position.msn > list.next.msn {
            tally.count(.missed)
            position = list.start
        }
        for segment in list.segments where segment.msn >= position.msn {
            ask(for: segment, of: list, from: position.msn == segment.msn ? position.part : 0, &tally)
        }
        self.position = list.next
    }

    private mutating func ask(
        for segment: HLSPlaylist.Segment, of list: HLSPlaylist, from part: Int, _ tally: inout ViewerTally
    ) {
        if let uri = segment.initSection.map(list.string), uri != initSection {
            initSection = uri
            enqueue(.initSection, uri, &tally)
        }
        guard segment.parts.isEmpty else {
            for part in segment.parts.dropFirst(part) where !part.isGap {
                enqueue(.part, list.string(part.uri), &tally)
            }
            return
        }
        guard let uri = segment.uri, !segment.isGap else { return }
        if part > 0 { tally.count(.missed) }
        enqueue(.segment, list.string(uri), &tally)
    }
}

extension HLSPlaylist {
    /// Where a player begins: the last unit it can begin with that is as far behind the end as it should play.
    fileprivate var start: MediaPosition {
        let distance = partTarget.map { partHoldBack ?? $0 * 3 } ?? holdBack ?? targetDuration * 3
        var behind: Duration = .zero
        for segment in segments.reversed() {
            for (index, part) in segment.parts.enumerated().reversed() {
                behind += part.duration
                if behind >= distance, part.isIndependent { return MediaPosition(msn: segment.msn, part: index) }
            }
            if segment.parts.isEmpty { behind += segment.duration }
            if behind >= distance, segment.uri != nil, segment.parts.isEmpty {
                return MediaPosition(msn: segment.msn, part: 0)
            }
        }
        return MediaPosition(msn: segments.first?.msn ?? firstMSN, part: 0)
    }
}
