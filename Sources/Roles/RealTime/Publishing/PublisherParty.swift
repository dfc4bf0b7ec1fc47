// SPDX-License-Identifier: Apache-2.0

import Media
import RTP
import Telemetry
import WebRTC

/// One WHIP publisher: its packets become units, and what is missing is asked for.
final class PublisherParty: MediaParty {
    private unowned let connection: SecureConnection
    private unowned let loop: RealTimeLoop
    private let intake: any MediaIntake
    private let video: ReceiveSource?
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
        let tracks = plan.tracks.enumerated().map { ReceiveTrack($1, media: $0) }
        media = MediaFromRTP(tracks)
        told = (receiver.ignored, media.ignored)
        video = tracks.first { $0.codec.isVideo }?.source
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
        guard now - randomAccess >= loop.settings.randomAccessInterval else { return }
        requestRandomAccess(now: now)
    }

    func requestRandomAccess(now: Duration) {
        guard let video else { return }
        receiver.requestRandomAccess(of: video, now: now, into: &directives)
        obey(now: now)
    }

    func leave() { isOver = true }
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
            case .accessUnit(let unit): if unit.track == .video, unit.isRandomAccess { randomAccess = now }
            case .parameters: break
            case .randomAccessWanted(let source):
                receiver.requestRandomAccess(of: source, now: now, into: &directives)
            }
        }
        if !intake.take(taken) { return connection.close(.cut, now: now) }
        for case .send(let datagram) in directives { connection.send(rtcp: datagram) }
        directives.removeAll(keepingCapacity: true)
    }
}

extension ReceiveTrack {
    fileprivate init(_ track: NegotiatedTrack, media: Int) {
        let codec = track.codec.rtp.media
        self.init(
            id: codec.isVideo ? .video : .audio, source: ReceiveSource(media: media), codec: codec)
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
