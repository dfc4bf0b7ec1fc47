// SPDX-License-Identifier: Apache-2.0

import Bytes
import RTP

/// What a publisher sends over one WebRTC session whose keys are known: pictures, those of their packets again that the
/// server asks for, and reports. Who asks for a random access point has to wait for the clip's next.
struct PictureSender {
    private let link: SecureLink
    private let begun: Duration
    private var pictures: ClipPictures
    private var session: RTPSenderSession
    private var ring = PacketRing(.video)
    private var asked: [RTPSenderSession.Directive] = []
    /// The newest as they were sent, by their numbers, where there is no stream for what is sent again: SRTP protects no
    /// number twice.
    private var copies: [UInt16: [UInt8]] = [:]

    /// A session over which no media was sent.
    /// - Parameter begun: when its keys were known; its pictures are due from then on.
    init(_ pictures: ClipPictures, _ format: SendFormat, over link: SecureLink, begun: Duration) {
        self.link = link
        self.begun = begun
        self.pictures = pictures
        // As random as the source is.
        let track = SendTrack(
            format, firstSequence: UInt16(truncatingIfNeeded: format.source), firstTimestamp: format.source)
        session = RTPSenderSession(video: track, audio: nil)
    }

    /// When the next unit of the clip is due.
    var due: Duration { begun + pictures.due }

    /// When reports are; nil before the first packet.
    var nextDeadline: Duration? { session.nextDeadline }

    /// Appends the datagrams of the next unit if it is due; a unit of sound has none.
    mutating func next(stamp: Duration?, now: Duration, into datagrams: inout [[UInt8]]) {
        guard let picture = pictures.next(elapsed: now - begun, stamp: stamp, now: now), var track = session.video
        else {
            return
        }
        var transport = session.transport
        let numbers = ring.append(
            pictures.payloads, timestamp: picture.timestamp, isRandomAccess: picture.isRandomAccess, now: now)
        for number in numbers {
            guard let packet = ring[number] else { continue }
            if track.layer == nil { track.begin(at: packet, of: 0) }
            var bytes: [UInt8] = []
            let sequence = track.append(packet, of: ring, transport: &transport, now: now, to: &bytes)
            guard let datagram = link.protect(media: bytes) else { continue }
            if track.format.repair == nil { keep(datagram, UInt16(truncatingIfNeeded: sequence)) }
            session.sent(bytes: bytes.count, number: nil, now: now)
            datagrams.append(datagram)
        }
        session.video = track
        session.transport = transport
    }

    /// Takes a report of the server, its protection taken off, and appends the datagrams that it asks for again.
    mutating func receive(rtcp packet: ByteSlice, now: Duration, into datagrams: inout [[UInt8]]) {
        session.receive(rtcp: packet, clock: pictures.clock, now: now, into: &asked)
        defer { asked.removeAll(keepingCapacity: true) }
        for directive in asked {
            switch directive {
            case .estimate, .goodbye, .randomAccess: break
            case .resend(_, _, let sequence, let number):
                if let datagram = again(sequence, number, now: now) { datagrams.append(datagram) }
            }
        }
    }

    /// The sender report, if it is due.
    mutating func report(now: Duration) -> [UInt8]? {
        var report: [UInt8] = []
        session.appendReports(clock: pictures.clock, canonicalName: Self.canonicalName, now: now, to: &report)
        return report.isEmpty ? nil : link.protect(control: report)
    }
}

extension PictureSender {
    /// A packet once more: in the stream of what is sent again, or as it was; nil where it is too old.
    private mutating func again(_ sequence: Int64, _ number: UInt16, now: Duration) -> [UInt8]? {
        guard var track = session.video, track.format.repair != nil else { return copies[number] }
        guard let packet = ring[sequence] else { return nil }
        var (transport, bytes) = (session.transport, [UInt8]())
        _ = track.appendAgain(packet, number, of: ring, transport: &transport, now: now, to: &bytes)
        session.video = track
        session.transport = transport
        return link.protect(media: bytes)
    }

    private mutating func keep(_ datagram: [UInt8], _ number: UInt16) {
        copies[number] = datagram
        copies[number &- Self.mostCopies] = nil
    }

    private static let canonicalName = Array(LocalParty.name.utf8)[...]
    private static let mostCopies: UInt16 = 1024
}
