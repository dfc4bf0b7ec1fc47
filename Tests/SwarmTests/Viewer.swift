// SPDX-License-Identifier: Apache-2.0

import Bytes
import Swarm

/// A session with its tally, its clock, and short words for its events.
struct Viewer {
    var session: HLSViewerSession
    let mediaLane: Int
    var commons = HLSCommons()
    var now: Duration = .zero
    var tally: ViewerTally { commons.tally }

    static let media = "/live/x/main/media.m3u8"

    /// A path of the first server, or any URL.
    static func at(_ place: String) -> HTTPAddress {
        guard let address = HTTPAddress(web: place.hasPrefix("/") ? "http://a.test\(place)" : place) else {
            preconditionFailure(place)
        }
        return address
    }

    init(
        path: String = "/live/x/index.m3u8", chance: Double = 0.5,
        _ change: (inout HLSViewerSettings) -> Void = { _ in }
    ) throws {
        var settings = HLSViewerSettings()
        settings.takesDeltas = false
        change(&settings)
        mediaLane = settings.connections - 1
        session = HLSViewerSession(Viewer.at(path), settings: settings, chance: chance)
    }

    /// A viewer that has read a first playlist and fetched all it wants of it.
    static func joined(
        _ list: ByteSlice, connections: Int = 2, _ change: (inout HLSViewerSettings) -> Void = { _ in }
    ) throws -> Viewer {
        var viewer = try Viewer(path: media) {
            change(&$0)
            $0.connections = connections
        }
        _ = viewer.start()
        viewer.fetchAll(viewer.playlist(list))
        return viewer
    }

    /// A viewer that watches at the first of two edges, and has been told to stay there.
    static func atTwoEdges(steered: Bool = true, chance: Double = 0.5) throws -> Viewer {
        var viewer = try Viewer(chance: chance)
        _ = viewer.start()
        _ = viewer.playlist(Playlists.twoPathways())
        if steered { _ = viewer.steering(#"{"VERSION":1,"TTL":300,"PATHWAY-PRIORITY":["edge-1"]}"#) }
        viewer.fetchAll(viewer.playlist(Playlists.lowLatency(first: 7, whole: 3, parts: 2)))
        return viewer
    }

    mutating func fetchAll(_ directives: [HLSViewerSession.Directive]) {
        var directives = directives
        let lane = mediaLane
        while directives.contains(where: { directive in
            guard case .get(let request, lane) = directive else { return false }
            return [.initSection, .part, .segment].contains(request.kind)
        }) {
            directives = answer(200, lane: lane)
        }
    }

    /// Media of one picture that was sent then.
    static func stamped(_ time: Duration) -> ByteSlice {
        FrameStamp.write(time, over: [UInt8](repeating: 7, count: 200)[...])
    }

    mutating func start(due: Duration? = nil) -> [HLSViewerSession.Directive] {
        var directives: [HLSViewerSession.Directive] = []
        session.start(now: now, due: due, commons: &commons, into: &directives)
        return directives
    }

    mutating func playlist(_ text: String) -> [HLSViewerSession.Directive] { playlist(Array(text.utf8)[...]) }

    mutating func playlist(_ body: ByteSlice) -> [HLSViewerSession.Directive] { answer(200, body, lane: 0) }

    mutating func steering(_ text: String) -> [HLSViewerSession.Directive] {
        answer(200, Array(text.utf8)[...], lane: 2)
    }

    /// The answer to the media request under way.
    mutating func media() -> [HLSViewerSession.Directive] { answer(200, lane: mediaLane) }

    mutating func redirect(to place: String) -> [HLSViewerSession.Directive] {
        take(HTTPAnswer(status: 302, body: [], size: .bytes(0), location: place), lane: 0)
    }

    mutating func answer(
        _ status: Int, _ body: ByteSlice = [], lane: Int = 0
    ) -> [HLSViewerSession.Directive] {
        take(HTTPAnswer(status: status, body: body, size: .bytes(body.count)), lane: lane)
    }

    private mutating func take(_ answer: HTTPAnswer, lane: Int) -> [HLSViewerSession.Directive] {
        var directives: [HLSViewerSession.Directive] = []
        session.receive(answer, lane: lane, now: now, commons: &commons, into: &directives)
        return directives
    }

    mutating func fail(_ fault: HLSFault, lane: Int) -> [HLSViewerSession.Directive] {
        var directives: [HLSViewerSession.Directive] = []
        session.fail(fault, lane: lane, now: now, commons: &commons, into: &directives)
        return directives
    }

    mutating func tick(_ now: Duration) -> [HLSViewerSession.Directive] {
        self.now = now
        var directives: [HLSViewerSession.Directive] = []
        session.tick(now: now, commons: &commons, into: &directives)
        return directives
    }

    mutating func measure(_ now: Duration) { session.measure(now: now, commons: &commons) }

    mutating func finish(_ now: Duration) { session.finish(now: now, commons: &commons) }
}

extension HLSRequest {
    static func poll(_ place: String) -> HLSRequest {
        HLSRequest(.playlist(isBlocking: false), Viewer.at(place), wantsBody: true)
    }

    static func blocked(_ msn: String, _ part: String, at base: String = "http://a.test") -> HLSRequest {
        let address = Viewer.at("\(base)\(Viewer.media)?_HLS_msn=\(msn)&_HLS_part=\(part)")
        return HLSRequest(.playlist(isBlocking: true), address, wantsBody: true)
    }

    static func initSection(_ place: String) -> HLSRequest {
        HLSRequest(.initSection, Viewer.at(place), wantsBody: false)
    }

    static func segment(_ place: String) -> HLSRequest {
        HLSRequest(.segment, Viewer.at(place), wantsBody: true)
    }

    static func steering(_ pathway: String) -> HLSRequest {
        let place = "/live/x/steering.json?at=edge-1,edge-2&_HLS_pathway=\(pathway)"
        return HLSRequest(.steering, Viewer.at(place), wantsBody: true)
    }

    /// A part by its number beside the playlist, or by its URL.
    static func part(_ name: String) -> HLSRequest {
        let place = name.contains("/") ? name : "/live/x/main/t/\(name).m4s"
        return HLSRequest(.part, Viewer.at(place), wantsBody: true)
    }
}

extension ByteSlice {
    static func lowLatency(first: Int, whole: Int, parts: Int) -> ByteSlice {
        Playlists.lowLatency(first: first, whole: whole, parts: parts)
    }
}
