// SPDX-License-Identifier: Apache-2.0

import Bytes
import Glibc
import Media
import NodeKit
import RTP
import SecureMedia
import Synchronization
import TestKit
import WebRTC

/// A browser's half of a session, over a real socket: it offers, checks, shakes hands, and keeps what comes.
final class SessionPeer {
    let node: TestNode
    /// The session's path and entity tag, and the answer, once there is one.
    private(set) var location = ""
    private(set) var entityTag = ""
    private(set) var answer = SessionDescription()
    /// The answers to checks so far, and all packets of media and reports, their protection taken off.
    private(set) var checksAnswered = 0
    private(set) var packets: [RTPPacket] = []
    private(set) var reports: [RTCPPacket] = []
    /// Whether the other side said goodbye.
    private(set) var isClosed = false
    private var socket: Int32
    /// Whether it comes over TCP.
    private let isStream: Bool
    /// What it lets wait for it to read; nil for what the kernel thinks best.
    private let patience: Int32?
    private var decoder = FramedPacketDecoder()
    /// Whether the node has ended the connection of TCP.
    private(set) var isCut = false
    private var random = SystemRandomNumberGenerator()
    private var dtls: DTLSSession
    private var channel: Channel?
    private let identity: DTLSIdentity
    private let beginning = ContinuousClock.now

    /// SRTP both ways.
    private final class Channel {
        var outbound: OutboundSRTP
        var inbound: InboundSRTP

        init(_ keys: SRTPKeys) {
            outbound = OutboundSRTP(keys)
            inbound = InboundSRTP(keys)
        }
    }

    init(_ node: TestNode, isStream: Bool = false, patience: Int32? = nil) {
        self.node = node
        self.isStream = isStream
        self.patience = patience
        identity = Self.identity
        socket = Self.open(node, isStream: isStream, patience: patience)
        dtls = DTLSSession(DTLSContext(identity), role: .active, peer: identity.fingerprint)
    }

    deinit { close(socket) }

    /// Whether the handshake is over.
    var isConnected: Bool { channel != nil }

    private var now: Duration { ContinuousClock.now - beginning }
    private static let identity = DTLSIdentity.generate(now: WallTime(milliseconds: 1_700_000_000_000))

    /// Ports that the kernel gives to nobody who asks for any, so that whoever comes from one can come from it again.
    private static let ports = Mutex(UInt16(20_000))

    private static func nextPort() -> UInt16 {
        ports.withLock { port in
            port = port < 30_000 ? port + 1 : 20_000
            return port
        }
    }

    /// - Parameter local: the port that it comes from; nil for one of its own.
    private static func open(_ node: TestNode, isStream: Bool, patience: Int32?, from local: UInt16? = nil) -> Int32 {
        let port = isStream ? node.webRTCStreamPort : node.webRTCPort
        let socket = Glibc.socket(AF_INET, Int32((isStream ? SOCK_STREAM : SOCK_DGRAM).rawValue), 0)
        let size = socklen_t(MemoryLayout<Int32>.size)
        if var patience { setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &patience, size) }
        if isStream {
            var isReused: Int32 = 1
            setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &isReused, size)
            var isBound = loopback(local ?? nextPort()) { Glibc.bind(socket, $0, $1) }
            while isBound != 0 && local == nil { isBound = loopback(nextPort()) { Glibc.bind(socket, $0, $1) } }
            precondition(isBound == 0, "its port is somebody else's")
        }
        let result = loopback(UInt16(truncatingIfNeeded: port)) { Glibc.connect(socket, $0, $1) }
        precondition(result == 0, "no way to port \(port)")
        return socket
    }

    private static func loopback(_ port: UInt16, _ body: (UnsafePointer<sockaddr>?, socklen_t) -> Int32) -> Int32 {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return withUnsafeBytes(of: &address) { bytes in
            bytes.withMemoryRebound(to: sockaddr.self) {
                body($0.baseAddress, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }

    /// The port that it comes from.
    private var localPort: UInt16 {
        var address = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        withUnsafeMutableBytes(of: &address) { bytes in
            _ = bytes.withMemoryRebound(to: sockaddr.self) { getsockname(socket, $0.baseAddress, &length) }
        }
        return UInt16(bigEndian: address.sin_port)
    }
}

// MARK: - HTTP

extension SessionPeer {
    /// An offer to view, or to publish, H.264 and Opus.
    func offer(_ direction: MediaDirection = .receiveOnly, codec: String = "H264") -> SessionDescription {
        var offer = SessionDescription(sessionID: 1, version: 1)
        offer.bundle = ["0", "1"]
        offer.media = [
            medium(.video, "0", direction, PayloadFormat(payloadType: 96, encoding: codec, clockRate: 90_000)),
            medium(.audio, "1", direction, PayloadFormat(payloadType: 111, encoding: "opus", clockRate: 48_000)),
        ]
        offer.media[0].formats[0].parameters = "packetization-mode=1;profile-level-id=42e01f"
        offer.media[0].formats[0].feedback = [.nack, .pictureLoss]
        offer.media[0].formats.append(
            PayloadFormat(payloadType: 97, encoding: "rtx", clockRate: 90_000, parameters: "apt=96"))
        offer.media[1].formats[0].channels = 2
        return offer
    }

    /// An offer to publish H.264 in three layers, the largest first; `mid` is extension 4, `rid` is 10.
    var simulcastOffer: SessionDescription {
        var offer = offer(.sendOnly)
        offer.media.removeLast()
        offer.bundle = ["0"]
        offer.media[0].rids = ["h", "m", "l"].map { RID(id: $0, isReceived: false) }
        offer.media[0].simulcast.send = ["h", "m", "l"].map { [Simulcast.Alternative(id: $0)] }
        offer.media[0].extensions = [
            HeaderExtension(id: 4, kind: .mid), HeaderExtension(id: 10, kind: .streamID),
            HeaderExtension(id: 11, kind: .repairedStreamID),
        ]
        return offer
    }

    /// How often it was told that a decoder can not go on.
    var losses: Int { reports.count { if case .pictureLoss = $0 { true } else { false } } }

    /// The source of the video that the answer names.
    var videoSource: UInt32 { answer.media.first { $0.kind == .video }?.sources.first?.ssrc ?? 0 }

    private func medium(
        _ kind: MediaKind, _ mid: String, _ direction: MediaDirection, _ format: PayloadFormat
    ) -> MediaDescription {
        var medium = MediaDescription(kind: kind)
        medium.mid = mid
        medium.direction = direction
        medium.multiplexesRTCP = true
        medium.formats = [format]
        medium.credentials = ICECredentials(fragment: "abcd", password: "0123456789012345678901")
        medium.fingerprints = [SDPFingerprint(algorithm: .sha256, bytes: identity.fingerprint.bytes)].compactMap { $0 }
        medium.setup = DTLSSetup(rawValue: "actpass")
        return medium
    }

    /// Posts an offer.
    func post(
        _ offer: SessionDescription? = nil, to path: String = "/live/demo/whep", fields: [String: String] = [:]
    ) async throws -> HTTPAnswer {
        let fields = ["Content-Type": "application/sdp"].merging(fields) { $1 }
        let text = (offer ?? self.offer(path.contains("/whip") ? .sendOnly : .receiveOnly)).text
        let answer = try await node.ask(path, method: "POST", fields: fields, body: text)
        guard answer.status == 201 else { return answer }
        self.answer = try SessionDescription(parsing: answer.body[...])
        entityTag = answer.fields["etag"] ?? ""
        let url = answer.fields["location"] ?? ""
        location = String(url.dropFirst("http://".count).drop { $0 != "/" })
        let peer = self.answer.media.first?.fingerprints.first.flatMap { CertificateFingerprint(bytes: $0.bytes) }
        if let peer { dtls = DTLSSession(DTLSContext(identity), role: .active, peer: peer) }
        return answer
    }

    /// Asks something about the session, or a resource of it.
    func ask(
        _ method: String, at resource: String = "", fields: [String: String] = [:], body: String? = nil
    ) async throws -> HTTPAnswer {
        try await node.ask(location + resource, method: method, fields: fields, body: body)
    }

    /// Posts an offer and connects.
    func connect(to path: String = "/live/demo/whep") async throws {
        let answer = try await post(to: path)
        guard answer.status == 201 else { throw Refused(text: "\(answer.status) \(answer.text)") }
        try await handshake()
    }

    /// Checks and shakes hands until there are keys.
    func handshake() async throws {
        check()
        var checked = now
        obey(dtls.begin(now: now))
        try await eventually("the session is connected") {
            // As every ICE agent does: a datagram may be lost while the machine has much to do.
            if now - checked > .milliseconds(500) {
                check()
                checked = now
            }
            receive()
            obey(dtls.tick(now: now))
            return isConnected
        }
    }
}

// MARK: - UDP

extension SessionPeer {
    /// The credentials in the answer.
    var credentials: ICECredentials {
        answer.media.first { $0.credentials != nil }?.credentials ?? ICECredentials(fragment: "", password: "")
    }

    /// Sends a check that nominates, with the answer's credentials but for what is given.
    func check(fragment: String? = nil, password: String? = nil) {
        send(checkBytes(fragment: fragment, password: password))
    }

    /// A check that nominates.
    func checkBytes(
        fragment: String? = nil, password: String? = nil, role: STUNRole = .controlling(tieBreaker: 7)
    ) -> [UInt8] {
        var writer = STUNWriter(.bindingRequest, transaction: .random(using: &random))
        writer.append(username: "\(fragment ?? credentials.fragment):abcd")
        writer.append(priority: 1 << 24)
        writer.append(role: role)
        writer.appendUseCandidate()
        return writer.finish(key: STUNIntegrityKey(password: password ?? credentials.password))
    }

    /// Goes on from another port, as behind a NAT that forgot.
    /// - Parameter isBroken: whether the connection breaks and comes again from the same port, as through a NAT.
    func move(isBroken: Bool = false) {
        let port = isBroken ? localPort : nil
        var reset = linger(l_onoff: 1, l_linger: 0)
        if isBroken { setsockopt(socket, SOL_SOCKET, SO_LINGER, &reset, socklen_t(MemoryLayout<linger>.size)) }
        close(socket)
        socket = Self.open(node, isStream: isStream, patience: patience, from: port)
        decoder = FramedPacketDecoder()
        check()
    }

    /// Sends bytes as they are.
    func send(_ bytes: [UInt8]) {
        var sent = bytes
        if isStream {
            sent = []
            FramedPacketEncoder.append(bytes, to: &sent)
        }
        sendRaw(sent)
    }

    /// Sends bytes of no frame over TCP.
    func sendRaw(_ bytes: [UInt8]) { _ = Glibc.send(socket, bytes, bytes.count, Int32(MSG_NOSIGNAL)) }

    /// Sends a packet of media, protected.
    func send(rtp packet: [UInt8]) { sendProtected(packet) { try $0.outbound.protect($1, count: packet.count) } }

    /// Sends reports, protected.
    func send(rtcp packet: RTCPPacket) {
        var bytes: [UInt8] = []
        RTCPEncoder.append(packet, to: &bytes)
        let count = bytes.count
        sendProtected(bytes) { try $0.outbound.protectControl($1, count: count) }
    }

    private func sendProtected(
        _ packet: [UInt8], _ protect: (Channel, UnsafeMutableRawBufferPointer) throws -> Int
    ) {
        guard let channel else { return }
        var bytes = packet + [UInt8](repeating: 0, count: 64)
        if let count = try? bytes.withUnsafeMutableBytes({ try protect(channel, $0) }) {
            send(Array(bytes[..<count]))
        }
    }

    /// Takes all that has come.
    /// - Parameter most: how much at most, in pieces of 64 KiB over TCP; as one who is slow.
    func receive(most pieces: Int = .max) {
        var buffer = [UInt8](repeating: 0, count: isStream ? 65_536 : 2048)
        for _ in 0..<pieces {
            let count = recv(socket, &buffer, buffer.count, Int32(MSG_DONTWAIT))
            if isStream, count == 0 || count < 0 && errno == ECONNRESET { isCut = true }
            guard count > 0 else { return }
            guard isStream else {
                take(Array(buffer[..<count]))
                continue
            }
            decoder.append(buffer[..<count])
            while let packet = try? decoder.next() { take(Array(packet)) }
        }
    }

    private func take(_ datagram: [UInt8]) {
        switch DatagramKind(of: datagram.span) {
        case .dtls: obey(datagram.withUnsafeBytes { dtls.receive($0, now: now) })
        case .rtcp: open(datagram) { try $0.inbound.unprotectControl($1) }.map(takeReports)
        case .rtp:
            open(datagram) { try $0.inbound.unprotect($1) }.map { bytes in
                if let packet = try? RTPPacket(parsing: bytes[...]) { packets.append(packet) }
            }
        case .stun:
            if (try? STUNMessage(parsing: datagram.span))?.kind == .bindingSuccess { checksAnswered += 1 }
        case .unknown: break
        }
    }

    private func takeReports(_ bytes: [UInt8]) {
        var decoder = RTCPDecoder(bytes[...])
        while let packet = try? decoder.next() { reports.append(packet) }
    }

    private func open(
        _ datagram: [UInt8], _ open: (Channel, UnsafeMutableRawBufferPointer) throws -> Int
    ) -> [UInt8]? {
        guard let channel else { return nil }
        var bytes = datagram
        guard let count = try? bytes.withUnsafeMutableBytes({ try open(channel, $0) }) else { return nil }
        return Array(bytes[..<count])
    }

    private func obey(_ directives: [DTLSSession.Directive]) {
        for directive in directives {
            switch directive {
            case .closed, .failed: isClosed = true
            case .connected(let keys): channel = Channel(keys)
            case .send(let datagram): send(datagram)
            }
        }
    }
}

/// The node did not take an offer.
struct Refused: Error {
    let text: String
}
