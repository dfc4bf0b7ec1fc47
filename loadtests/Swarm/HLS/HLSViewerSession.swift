// SPDX-License-Identifier: Apache-2.0

import Bytes

/// One viewer of a stream, Low-Latency or not: what it asks for next, and what it shows, given the answers so far.
///
/// It goes from the multivariant playlist to the media playlist of its pathway, reloads that by blocking requests where
/// the server holds them, and fetches everything from its place on as it is listed, from the hold-back behind the end. It
/// follows redirects and the steering manifest, and goes to another pathway when one fails it. Nothing is decoded: media
/// is shown at the speed of life from its first moment on, and stands while there is none.
///
/// A lane is a connection: 0 carries playlists, and media too where the viewer has only one; 1 carries media; 2 carries
/// what is asked aside, steering manifests and probes, and is closed after each.
public struct HLSViewerSession: Sendable {
    /// What the owner of the connections must do.
    public enum Directive: Hashable, Sendable {
        /// Close the lane's connection; whatever was under way there was given up.
        case close(lane: Int)
        /// The stream is over.
        case end
        /// Send the request; nothing else is under way on the lane.
        case get(HLSRequest, lane: Int)
    }

    /// What a viewer does at the moment.
    public enum Activity: Sendable {
        /// It has shown nothing yet.
        case joining
        /// It shows something.
        case playing
        /// It has shown all that it has.
        case standing
    }

    /// A request under way.
    struct Flight {
        let request: HLSRequest
        let since: Duration
        let deadline: Duration
        /// What is fetched with it, of media but for init sections.
        let unit: HLSUnit?
        /// How many redirects led here.
        let hops: Int
        /// Whether no playlist lists it yet.
        let isHint: Bool
    }

    /// Where and when the steering manifest is asked for.
    struct Steering {
        var address: HTTPAddress
        var at: Duration
    }

    let settings: HLSViewerSettings
    /// Where the viewer was sent by whoever made it.
    let entry: HTTPAddress
    /// The playlist that is reloaded.
    var source: HTTPAddress
    /// Where the last playlist was, after all redirects; its URIs begin there.
    var base: HTTPAddress
    /// The path of `base` up to its last slash.
    var folder: String
    var flights: [Flight?]
    /// What is listed and not yet asked for.
    var queue: [HLSUnit] = []
    /// The first place not yet in the queue; nil until there was a playlist.
    var position: MediaPosition?
    /// Where the last playlist ended, and since when.
    var edge: MediaPosition?
    var edgeTime: Duration = .zero
    /// Where the playlist ended when the viewer began.
    var joined: MediaPosition?
    /// The part that comes next, to be asked for before it is listed.
    var hint: HLSUnit?
    /// A part that a hint named and that is here before it is listed, with its stamp.
    var early: (position: MediaPosition, stamp: Duration?)?
    var initSection: String?
    /// The next playlist, once it may be asked for, with what a blocking request adds to its path; nil while one is under
    /// way or the stream is over.
    var reload: (query: String, at: Duration)?
    var targetDuration: Duration = .zero
    var partTarget: Duration?
    var pathways: [(id: String, address: HTTPAddress)] = []
    var pathway = 0
    /// The pathway that failed last, and until when it is not gone to for better.
    var avoided: (id: String, until: Duration)?
    var steering: Steering?
    var playlistTries = 0
    var mediaTries = 0
    /// When media may be asked for again after a failure.
    var mediaTime: Duration = .zero
    /// When the server may be probed again.
    var probeTime: Duration = .zero
    /// How often it has said that it lives, since it has last listed anything new.
    var probes = 0
    /// What this viewer does earlier or later than others, that not all do it at once: 0 to 1.
    let chance: Double
    /// How far into the first unit the viewer begins to play.
    var startOffset: Duration = .zero
    var playback: Playback?
    /// When the media at the beginning of the viewer's timeline was sent by the publisher, by the stamps: from a position
    /// on, and another one only where the publisher's clock has jumped.
    var offsets: [(from: Duration, offset: Duration)] = []
    var began: Duration = .zero
    var hasStalled = false
    var hasStalledLong = false
    /// Whether the playlist has ended.
    var isLast = false
    var isOver = false

    /// A viewer of the playlist at `address`, multivariant or media.
    /// - Parameter chance: 0 to 1, another one for each viewer.
    public init(_ address: HTTPAddress, settings: HLSViewerSettings = HLSViewerSettings(), chance: Double = 0.5) {
        self.chance = chance
        precondition((1...2).contains(settings.connections), "\(settings.connections) connections")
        self.settings = settings
        entry = address
        source = address
        base = address
        folder = address.folder
        flights = [nil, nil, nil]
    }

    /// How many lanes a viewer has.
    public static let lanes = 3

    /// The lane of media.
    var mediaLane: Int { settings.connections - 1 }
    /// The lane of everything else than playlists and media.
    static let asideLane = 2
    /// How many redirects are followed.
    static let mostHops = 5
}

// MARK: - Events

extension HLSViewerSession {
    /// When `tick` must be called though nothing came.
    public var nextDeadline: Duration? {
        guard !isOver else { return nil }
        var deadline: Duration?
        func consider(_ time: Duration?) {
            if let time { deadline = min(deadline ?? time, time) }
        }
        for flight in flights { consider(flight?.deadline) }
        if flights[0] == nil { consider(reload?.at) }
        if flights[mediaLane] == nil, !queue.isEmpty { consider(mediaTime) }
        if flights[Self.asideLane] == nil {
            consider(steering?.at)
            consider(doubtTime)
        }
        return deadline
    }

    /// What it does now.
    public func activity(now: Duration) -> Activity {
        guard let playback, playback.position(now: now) != nil else { return .joining }
        return playback.standingSince(now: now) == nil ? .playing : .standing
    }

    /// Begins.
    /// - Parameter due: when it was to begin, where whoever runs it was late; the viewer has waited since.
    public mutating func start(
        now: Duration, due: Duration? = nil, commons: inout HLSCommons, into directives: inout [Directive]
    ) {
        began = due ?? now
        commons.tally.joins += 1
        reload = ("", now)
        send(now, &commons, &directives)
    }

    /// Takes the answer to the request under way on a lane.
    public mutating func receive(
        _ answer: HTTPAnswer, lane: Int, now: Duration, commons: inout HLSCommons, into directives: inout [Directive]
    ) {
        guard let flight = flights[lane] else { return }
        flights[lane] = nil
        if lane == Self.asideLane { directives.append(.close(lane: lane)) }
        if let location = answer.redirect {
            redirect(flight, to: location, lane, now, &commons, &directives)
        } else {
            take(answer, flight, now, &commons, &directives)
        }
        send(now, &commons, &directives)
    }

    /// The connection of a lane could not be made, ended, or said what is no HTTP.
    public mutating func fail(
        _ fault: HLSFault, lane: Int, now: Duration, commons: inout HLSCommons, into directives: inout [Directive]
    ) {
        guard let flight = flights[lane] else { return }
        flights[lane] = nil
        if flight.request.kind != .probe { commons.tally.count(fault) }
        failed(flight, now, &commons, &directives)
        send(now, &commons, &directives)
    }

    /// Gives up what took too long, and asks for what is due.
    public mutating func tick(now: Duration, commons: inout HLSCommons, into directives: inout [Directive]) {
        for lane in flights.indices {
            guard let flight = flights[lane], flight.deadline <= now else { continue }
            flights[lane] = nil
            directives.append(.close(lane: lane))
            if flight.request.kind != .probe { commons.tally.count(.timeout) }
            failed(flight, now, &commons, &directives)
        }
        send(now, &commons, &directives)
    }

    /// The viewer goes away, or the run is over: what it has seen is added up.
    public mutating func finish(now: Duration, commons: inout HLSCommons) {
        guard !isOver else { return }
        isOver = true
        for flight in flights { release(flight, &commons) }
        guard let playback, playback.position(now: now) != nil else {
            commons.tally.unserved += now - began >= Self.longWait ? 1 : 0
            return commons.tally.cutShort += 1
        }
        if let since = playback.standingSince(now: now), !isLast { countStall(now - since, &commons) }
        commons.tally.watched += playback.shown(now: now)
    }
}

// MARK: - Requests

extension HLSViewerSession {
    /// Asks for all that is due on lanes that are free.
    mutating func send(_ now: Duration, _ commons: inout HLSCommons, _ directives: inout [Directive]) {
        guard !isOver else { return }
        if flights[mediaLane] == nil, mediaTime <= now { fetch(now, &commons, &directives) }
        if flights[0] == nil, let next = reload, next.at <= now {
            reload = nil
            let isBlocking = !next.query.isEmpty
            let address = isBlocking ? source.at(source.path.adding(query: next.query)) : source
            fly(HLSRequest(.playlist(isBlocking: isBlocking), address, wantsBody: true), lane: 0, now, &directives)
        }
        if flights[Self.asideLane] == nil { askAside(now, &directives) }
        if isLast, queue.isEmpty, flights.allSatisfy({ $0 == nil }) { end(now, &commons, &directives) }
    }

    mutating func fly(
        _ request: HLSRequest, of unit: HLSUnit? = nil, lane: Int, hops: Int = 0, isHint: Bool = false,
        _ now: Duration, _ directives: inout [Directive]
    ) {
        var deadline = now + settings.answerTimeout
        switch request.kind {
        case .playlist(isBlocking: true): deadline += targetDuration * 3
        case .probe: deadline = now + settings.probeTimeout
        case .initSection, .part, .playlist, .segment, .steering: break
        }
        flights[lane] = Flight(
            request: request, since: now, deadline: deadline, unit: unit, hops: hops, isHint: isHint)
        directives.append(.get(request, lane: lane))
    }

    private mutating func redirect(
        _ flight: Flight, to location: String, _ lane: Int, _ now: Duration, _ commons: inout HLSCommons,
        _ directives: inout [Directive]
    ) {
        guard flight.hops < Self.mostHops, let address = flight.request.address.following(location) else {
            commons.tally.count(.redirects)
            return failed(flight, now, &commons, &directives)
        }
        commons.tally.redirects += 1
        let request = HLSRequest(flight.request.kind, address, wantsBody: flight.request.wantsBody)
        fly(request, of: flight.unit, lane: lane, hops: flight.hops + 1, isHint: flight.isHint, now, &directives)
    }

    private mutating func take(
        _ answer: HTTPAnswer, _ flight: Flight, _ now: Duration, _ commons: inout HLSCommons,
        _ directives: inout [Directive]
    ) {
        switch flight.request.kind {
        case .initSection, .part, .segment: takeMedia(answer, flight, now, &commons, &directives)
        case .playlist: takePlaylist(answer, flight, now, &commons, &directives)
        case .probe: lives(now)
        case .steering: takeSteering(answer, flight, now, &commons, &directives)
        }
    }

    private mutating func end(_ now: Duration, _ commons: inout HLSCommons, _ directives: inout [Directive]) {
        commons.tally.ended += 1
        finish(now: now, commons: &commons)
        directives.append(.end)
    }
}

// MARK: - Failures

extension HLSViewerSession {
    /// Whatever failed, it has been counted.
    mutating func failed(
        _ flight: Flight, _ now: Duration, _ commons: inout HLSCommons, _ directives: inout [Directive]
    ) {
        release(flight, &commons)
        switch flight.request.kind {
        case .initSection, .part, .segment: mediaFailed(flight, now, &commons, &directives)
        case .playlist: playlistFailed(now, &commons, &directives)
        case .probe: leavePathway(now, &commons, &directives)
        case .steering: steering?.at = now + Self.steeringPause
        }
    }

    /// Another viewer is to read what this one did not get.
    func release(_ flight: Flight?, _ commons: inout HLSCommons) {
        guard let flight, flight.request.wantsBody, flight.unit != nil else { return }
        commons.stamps.release(flight.request.address.path)
    }

    func delay(after tries: Int) -> Duration {
        min(settings.retryDelay * (1 << min(max(tries - 1, 0), 4)), settings.retryDelay * 5)
    }

    static let steeringPause: Duration = .seconds(10)
    /// Who has waited so long for a first picture does not go because of its own plans.
    private static let longWait: Duration = .seconds(2)
}

extension HTTPAnswer {
    /// Where it sends who asked; nil for an answer that is meant.
    fileprivate var redirect: String? { [301, 302, 303, 307, 308].contains(status) ? location : nil }
}

extension HTTPAddress {
    /// The path up to its last slash, without a query.
    var folder: String {
        let document = path.utf8.prefix { $0 != UInt8(ascii: "?") }
        guard let slash = document.lastIndex(of: UInt8(ascii: "/")) else { return "/" }
        return String(path[...slash])
    }
}

extension String {
    /// A path with a further query.
    func adding(query: String) -> String { self + (utf8.contains(UInt8(ascii: "?")) ? "&" : "?") + query }
}
