// SPDX-License-Identifier: Apache-2.0

import Identity
import Media
import RTP
import Telemetry
import WebRTC

/// One WHIP publisher: its packets become units, and what is missing is asked for.
final class PublisherParty: MediaParty {
    private unowned let connection: SecureConnection
    private unowned let loop: RealTimeLoop
    private let intake: any MediaIntake
    /// The sources of pictures: one, or the layers of simulcast.
    private let videos: [ReceiveSource]
    /// What puts the pictures of layers in order; nil for one source.
    private var order: LayerOrder?
    private var receiver: RTPReceiverSession
    private var media: MediaFromRTP
    private var directives: [RTPReceiverSession.Directive] = []
    private var events: [MediaFromRTP.Event] = []
    /// When the last random access point came, or the session began.
    private var randomAccess: Duration
    private var isOver = false
    /// What was told to the metrics.
    private var told: (packets: RTPReceiverSession.Ignored, pictures: MediaFromRTP.Ignored)

    init(_ plan: PublisherPlan, connection: SecureConnection, loop: RealTimeLoop, now: Duration) {
        self.connection = connection
        self.loop = loop
        intake = plan.intake
        var settings = ReceiveSettings(media: plan.tracks.map(\.receiveMedia), source: plan.source)
        if let track = plan.tracks.first { settings.extensions = track.extensionMap }
        for track in plan.tracks.dropFirst() { settings.extensions.merge(track.extensionMap) }
        if !plan.tracks.contains(where: { $0.format.feedback.contains(.nack) }) { settings.reorder = .withoutRequests }
        receiver = RTPReceiverSession(settings)
        let tracks = plan.tracks.enumerated().flatMap { ReceiveTrack.layers(of: $1, media: $0) }
        media = MediaFromRTP(tracks)
        told = (receiver.ignored, media.ignored)
        let pictures = tracks.filter(\.codec.isVideo)
        videos = pictures.map(\.source)
        if pictures.count > 1 {
            order = LayerOrder(pictures.map(\.id))
            loop.metrics.layers.add(pictures.count)
        }
        randomAccess = now
    }

    func receive(rtp bytes: UnsafeMutableRawBufferPointer, now: Duration) {
        loop.metrics.packetsReceived.add()
        receiver.receive(rtp: Array(bytes)[...], now: now, into: &directives)
        obey(now: now)
    }

    func receive(rtcp bytes: UnsafeMutableRawBufferPointer, now: Duration) {
        receiver.receive(rtcp: Array(bytes)[...], now: now, into: &directives)
        obey(now: now)
    }

    func tick(now: Duration) {
        receiver.tick(now: now, into: &directives)
        obey(now: now)
        loop.metrics.ignored(receiver.ignored, since: told.packets)
        loop.metrics.ignored(media.ignored, since: told.pictures)
        told = (receiver.ignored, media.ignored)
        var units: [AccessUnit] = []
        order?.tick(now: now, into: &units)
        if !units.isEmpty { give(units.map { .accessUnit($0) }, now: now) }
        guard !isOver, now - randomAccess >= loop.settings.randomAccessInterval else { return }
        requestRandomAccess(now: now)
    }

    func requestRandomAccess(now: Duration) {
        for video in videos { receiver.requestRandomAccess(of: video, now: now, into: &directives) }
        obey(now: now)
    }

    /// Publishers get no media.
    func ask(for layer: RenditionName?, now: Duration) {}

    func leave() {
        guard !isOver else { return }
        isOver = true
        if order != nil { loop.metrics.layers.add(-videos.count) }
    }
}

extension PublisherParty {
    private func obey(now: Duration) {
        guard !directives.isEmpty else { return }
        var obeyed: [RTPReceiverSession.Directive] = []
        swap(&obeyed, &directives)
        for directive in obeyed where !isOver {
            switch directive {
            case .began(let source): media.begin(source)
            case .goodbye: break  // What it sends no more is missed soon enough.
            case .lost(let source, let count):
                loop.metrics.packetsLost.add(Int(clamping: count))
                media.lose(source, now: now, into: &events)
            case .packet(let packet): media.receive(packet, now: now, into: &events)
            case .report(let source, let clock): media.receive(clock, of: source)
            case .send(let datagram): connection.send(rtcp: datagram)
            }
        }
        take(now: now)
    }

    private func take(now: Duration) {
        guard !events.isEmpty, !isOver else { return }
        var taken: [MediaFromRTP.Event] = []
        swap(&taken, &events)
        for event in taken {
            switch event {
            case .accessUnit(let unit): if unit.track != .audio, unit.isRandomAccess { randomAccess = now }
            case .layer, .parameters: break
            case .randomAccessWanted(let source):
                receiver.requestRandomAccess(of: source, now: now, into: &directives)
            }
        }
        give(ordered(taken, now: now), now: now)
        guard !isOver else { return }
        for case .send(let datagram) in directives { connection.send(rtcp: datagram) }
        directives.removeAll(keepingCapacity: true)
    }

    private func give(_ events: [MediaFromRTP.Event], now: Duration) {
        if !events.isEmpty, !intake.take(events) { connection.close(.cut, now: now) }
    }

    /// The same with the pictures of layers in their order; those that have to wait come later.
    private func ordered(_ events: [MediaFromRTP.Event], now: Duration) -> [MediaFromRTP.Event] {
        guard order != nil else { return events }
        var ordered: [MediaFromRTP.Event] = []
        for event in events {
            switch event {
            case .accessUnit(let unit) where order?.contains(unit.track) ?? false:
                var units: [AccessUnit] = []
                order?.append(unit, now: now, into: &units)
                ordered += units.map { .accessUnit($0) }
                continue
            case .layer(let track): order?.learn(track.id, pixels: track.pixels)
            case .parameters(let id, let sets): order?.learn(id, pixels: Track(id: id, parameters: sets).pixels)
            case .accessUnit, .randomAccessWanted: break
            }
            ordered.append(event)
        }
        return ordered
    }
}

extension ReceiveTrack {
    /// The tracks of a medium: one, or one a layer. The first is a rendition like that of any stream; the others are
    /// renditions by the names that the publisher gave them, or by their numbers where one of those is none of ours.
    fileprivate static func layers(of track: NegotiatedTrack, media: Int) -> [ReceiveTrack] {
        let codec = track.codec.rtp.media
        let first: TrackID = codec.isVideo ? .video : .audio
        let names = RenditionName.layers(track.rids.dropFirst())
        return (0..<max(1, track.rids.count)).map { layer in
            ReceiveTrack(
                id: layer == 0 ? first : TrackID(TrackID.audio.number &+ UInt8(truncatingIfNeeded: layer)),
                rendition: layer == 0 ? .main : names[layer - 1], source: ReceiveSource(media: media, layer: layer),
                codec: codec)
        }
    }
}

extension RenditionName {
    /// The renditions of all layers but the first, no two alike.
    fileprivate static func layers(_ rids: ArraySlice<String>) -> [RenditionName] {
        let named = rids.compactMap { RenditionName(parsing: $0) }
        if Set(named).subtracting([.main]).count == rids.count { return named }
        return (1...rids.count).compactMap { RenditionName(parsing: "layer-\($0)") }
    }
}

extension ExtensionMap {
    /// Takes the numbers of another m-line; a number means the same in all that are bundled (RFC 9143 §8.1).
    fileprivate mutating func merge(_ other: ExtensionMap) {
        absoluteSendTime = absoluteSendTime ?? other.absoluteSendTime
        mid = mid ?? other.mid
        playoutDelay = playoutDelay ?? other.playoutDelay
        repairedRID = repairedRID ?? other.repairedRID
        rid = rid ?? other.rid
        transportSequence = transportSequence ?? other.transportSequence
    }
}
