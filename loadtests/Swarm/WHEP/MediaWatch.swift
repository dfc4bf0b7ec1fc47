// SPDX-License-Identifier: Apache-2.0

import Bytes
import Media
import RTP

/// What comes of a viewer's media: packets in their order, those that are missing asked for, whole pictures and sound.
struct MediaWatch: Sendable {
    /// What is to be sent, unprotected.
    private(set) var reports: [[UInt8]] = []
    private var receiver: RTPReceiverSession
    private var media: MediaFromRTP
    private let sources: [ReceiveSource]
    private let leader: TrackID
    private let connected: Duration
    private var pictures = PictureWatch()
    private var directives: [RTPReceiverSession.Directive] = []
    private var events: [MediaFromRTP.Event] = []

    init(_ remote: RemoteParty, source: UInt32, now: Duration) {
        receiver = RTPReceiverSession(ReceiveSettings(media: remote.media, source: source))
        media = MediaFromRTP(remote.tracks)
        sources = remote.tracks.map(\.source)
        leader = remote.tracks.contains { $0.codec.isVideo } ? .video : .audio
        connected = now
    }

    var nextDeadline: Duration? { receiver.nextDeadline }

    /// When the first unit that can be shown was whole.
    var started: Duration? { pictures.started }

    mutating func receive(rtp packet: ByteSlice, now: Duration, tally: inout PlayTally) {
        receiver.receive(rtp: packet, now: now, into: &directives)
        obey(now: now, &tally)
    }

    mutating func receive(rtcp packet: ByteSlice, now: Duration, tally: inout PlayTally) {
        receiver.receive(rtcp: packet, now: now, into: &directives)
        obey(now: now, &tally)
    }

    mutating func tick(now: Duration, tally: inout PlayTally) {
        receiver.tick(now: now, into: &directives)
        obey(now: now, &tally)
    }

    /// Takes what is to be sent.
    mutating func takeReports() -> [[UInt8]] {
        defer { reports.removeAll(keepingCapacity: true) }
        return reports
    }

    /// The viewer leaves.
    /// - Parameter isWhole: whether all was given to this that came.
    func finish(isWhole: Bool, now: Duration, tally: inout PlayTally) {
        for source in sources { tally.repairedPackets += receiver.counters(source)?.recovered ?? 0 }
        tally.lostPictures += media.ignored.lost
        tally.present += now - connected
        if !isWhole { tally.countingPresent += now - connected }
        pictures.finish(now: now, tally: &tally)
    }
}

extension MediaWatch {
    private mutating func obey(now: Duration, _ tally: inout PlayTally) {
        var next = 0
        while next < directives.count {
            switch directives[next] {
            case .began(let source): media.begin(source)
            case .goodbye: break
            case .lost(let source, let count):
                tally.lostPackets += Int(clamping: count)
                media.lose(source, now: now, into: &events)
            case .packet(let packet): media.receive(packet, now: now, into: &events)
            case .report(let source, let clock): media.receive(clock, of: source)
            case .send(let datagram): reports.append(datagram)
            }
            next += 1
            if next == directives.count { take(now: now, &tally) }
        }
        directives.removeAll(keepingCapacity: true)
    }

    private mutating func take(now: Duration, _ tally: inout PlayTally) {
        for event in events {
            switch event {
            case .accessUnit(let unit): show(unit, now: now, &tally)
            case .layer, .parameters: break
            case .randomAccessWanted(let source):
                receiver.requestRandomAccess(of: source, now: now, into: &directives)
            }
        }
        events.removeAll(keepingCapacity: true)
    }

    private mutating func show(_ unit: AccessUnit, now: Duration, _ tally: inout PlayTally) {
        if unit.track == .video { tally.pictures += 1 } else { tally.sounds += 1 }
        guard unit.track == leader else { return }
        pictures.show(FrameStamp.read(unit.payload), now: now, tally: &tally)
    }
}
