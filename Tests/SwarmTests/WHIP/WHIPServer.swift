// SPDX-License-Identifier: Apache-2.0

import Bytes
import Cluster
import Media
import RTP
import SecureMedia
import Swarm
import TestKit
import WebRTC

/// A server of WHIP made of the parts that a node is made of, in memory: it answers, takes what it is sent, asks for what
/// is missing, and keeps what comes of it.
final class WHIPServer {
    static let location = "/session/7"
    static let endpoint = Endpoint(address: .v4(7), port: 8000)
    /// What was asked over HTTP, as `POST /path`.
    private(set) var requests: [String] = []
    private(set) var units: [AccessUnit] = []
    private(set) var lostPackets: Int64 = 0
    /// How often the publisher told its clock.
    private(set) var reports = 0
    private let hasRepairs: Bool
    private let identity = DTLSIdentity.generate(now: WallTime(milliseconds: 1_700_000_000_000))
    private let path = ICEPath(remote: Endpoint(address: .v4(9), port: 1))
    private var parts: Parts?

    /// What there is once an offer was answered.
    private final class Parts {
        var ice: ICESession
        var dtls: DTLSSession
        var channel: Channel?
        var receiver: RTPReceiverSession
        var media: MediaFromRTP

        init(_ ice: ICESession, _ dtls: consuming DTLSSession, _ settings: ReceiveSettings) {
            self.ice = ice
            self.dtls = dtls
            receiver = RTPReceiverSession(settings)
            media = MediaFromRTP([ReceiveTrack(id: .video, source: ReceiveSource(media: 0), codec: .h264)])
        }
    }

    /// SRTP both ways.
    private final class Channel {
        var outbound: OutboundSRTP
        var inbound: InboundSRTP

        init(_ keys: SRTPKeys) {
            outbound = OutboundSRTP(keys)
            inbound = InboundSRTP(keys)
        }
    }

    /// - Parameter hasRepairs: whether packets are sent again in a stream of their own, RFC 4588.
    init(hasRepairs: Bool) { self.hasRepairs = hasRepairs }

    /// Packets that were missing and came when they were asked for.
    var recovered: Int { parts?.receiver.counters(ReceiveSource(media: 0))?.recovered ?? 0 }

    /// Answers a request over HTTP.
    func answer(_ request: HTTPRequest, now: Duration) throws -> HTTPAnswer {
        requests.append("\(request.method) \(request.address.path)")
        guard request.method == "POST" else { return Self.answer(200) }
        var random = SeededRandom(seed: 3)
        var offer = try SessionDescription(parsing: Array(request.body.utf8)[...])
        if !hasRepairs {
            for index in offer.media.indices { offer.media[index].formats.removeAll { $0.encoding == "rtx" } }
        }
        guard let hash = SDPFingerprint(algorithm: .sha256, bytes: identity.fingerprint.bytes) else { throw Unusable() }
        let local = LocalTransport(
            credentials: .random(using: &random), fingerprint: hash,
            candidates: ICECandidate.hosts(udp: [Self.endpoint]))
        let session = try NegotiatedSession(publishing: offer, local: local, sessionID: 7)
        guard let peer = CertificateFingerprint(bytes: session.transport.fingerprint.bytes),
            let track = session.tracks.first
        else { throw Unusable() }
        let dtls = DTLSSession(DTLSContext(identity), role: .passive, peer: peer)
        parts = Parts(ICESession(credentials: local.credentials, now: now), dtls, Self.settings(track))
        return Self.answer(201, session.answer.text)
    }

    /// An answer that names the session.
    static func answer(_ status: Int, _ body: String = "") -> HTTPAnswer {
        let bytes = Array(body.utf8)
        return HTTPAnswer(status: status, body: bytes[...], size: .bytes(bytes.count), location: location)
    }

    private static func settings(_ track: NegotiatedTrack) -> ReceiveSettings {
        var formats: [UInt8: ReceiveFormat] = [track.format.payloadType: .codec(.h264)]
        if let type = track.retransmissionType { formats[type] = .retransmission(of: track.format.payloadType) }
        var media = ReceiveMedia(mid: track.mid ?? "", formats: formats)
        media.feedback = [.nack, .pictureLoss]
        if let source = track.ssrc { media.sources = [.init(media: source, repair: track.retransmissionSSRC)] }
        return ReceiveSettings(media: [media], source: 5)
    }
}

/// The offer can not be answered.
struct Unusable: Error {}

// MARK: - Datagrams

extension WHIPServer {
    /// Takes a datagram, and gives what it sends for it.
    func receive(_ datagram: [UInt8], now: Duration) -> [[UInt8]] {
        guard let parts else { return [] }
        switch DatagramKind(of: datagram.span) {
        case .dtls: return obey(datagram.withUnsafeBytes { parts.dtls.receive($0, now: now) })
        case .stun: return check(datagram, parts, now: now)
        case .rtcp:
            guard let packet = open(datagram, isControl: true) else { return [] }
            return take(now: now) { $0.receive(rtcp: packet, now: now, into: &$1) }
        case .rtp:
            guard let packet = open(datagram, isControl: false) else { return [] }
            return take(now: now) { $0.receive(rtp: packet, now: now, into: &$1) }
        case .unknown: return []
        }
    }

    /// Does what is due, and gives what it sends.
    func tick(now: Duration) -> [[UInt8]] { take(now: now) { $0.tick(now: now, into: &$1) } }

    /// Asks for a random access point.
    func requestRandomAccess(now: Duration) -> [[UInt8]] {
        take(now: now) { $0.requestRandomAccess(of: ReceiveSource(media: 0), now: now, into: &$1) }
    }

    /// Ends the session.
    func close() -> [[UInt8]] { parts.map { obey($0.dtls.close()) } ?? [] }

    private func check(_ datagram: [UInt8], _ parts: Parts, now: Duration) -> [[UInt8]] {
        guard let message = try? STUNMessage(parsing: datagram.span) else { return [] }
        var directives: [ICESession.Directive] = []
        parts.ice.receive(message, in: datagram.span, on: path, now: now, into: &directives)
        var sent: [[UInt8]] = []
        for directive in directives {
            switch directive {
            case .admit: sent += obey(parts.dtls.begin(now: now))
            case .send(let bytes, _): sent.append(bytes)
            case .drop, .expire, .forget, .retire, .select: break
            }
        }
        return sent
    }

    private func obey(_ directives: [DTLSSession.Directive]) -> [[UInt8]] {
        var sent: [[UInt8]] = []
        for directive in directives {
            switch directive {
            case .closed, .failed: break
            case .connected(let keys): parts?.channel = Channel(keys)
            case .send(let datagram): sent.append(datagram)
            }
        }
        return sent
    }

    /// What comes of what the receiver is given.
    private func take(
        now: Duration, _ body: (inout RTPReceiverSession, inout [RTPReceiverSession.Directive]) -> Void
    ) -> [[UInt8]] {
        guard let parts else { return [] }
        var directives: [RTPReceiverSession.Directive] = []
        var events: [MediaFromRTP.Event] = []
        body(&parts.receiver, &directives)
        var sent: [[UInt8]] = []
        for directive in directives {
            switch directive {
            case .began(let source): parts.media.begin(source)
            case .goodbye: break
            case .lost(let source, let count):
                lostPackets += count
                parts.media.lose(source, now: now, into: &events)
            case .packet(let packet): parts.media.receive(packet, now: now, into: &events)
            case .report(let source, let clock):
                reports += 1
                parts.media.receive(clock, of: source)
            case .send(let report): if let datagram = protect(report) { sent.append(datagram) }
            }
        }
        for case .accessUnit(let unit) in events { units.append(unit) }
        return sent
    }

    private func open(_ datagram: [UInt8], isControl: Bool) -> ByteSlice? {
        guard let channel = parts?.channel else { return nil }
        var bytes = datagram
        let count = bytes.withUnsafeMutableBytes { buffer in
            isControl ? try? channel.inbound.unprotectControl(buffer) : try? channel.inbound.unprotect(buffer)
        }
        return count.map { bytes[..<$0] }
    }

    private func protect(_ report: [UInt8]) -> [UInt8]? {
        guard let channel = parts?.channel else { return nil }
        var bytes = report + [UInt8](repeating: 0, count: SRTPProfile.largestOverhead)
        let count = bytes.withUnsafeMutableBytes { try? channel.outbound.protectControl($0, count: report.count) }
        return count.map { Array(bytes[..<$0]) }
    }
}
