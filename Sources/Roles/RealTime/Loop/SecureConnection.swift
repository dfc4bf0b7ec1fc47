// SPDX-License-Identifier: Apache-2.0

import Cluster
import Datagrams
import Identity
import SecureMedia
import Telemetry
import WebRTC

/// One remote party: ICE proves its addresses, DTLS its name, SRTP its packets; what is in them is its `MediaParty`'s.
/// Confined to its thread.
final class SecureConnection {
    let id: SignalingSessionID
    /// Where packets go: the path that was nominated, before that the first that was proven.
    private(set) var address: DatagramAddress?
    /// The connection of TCP that they go over; nil for datagrams.
    private var way: StreamWay?
    /// nil before the handshake is over.
    private(set) var channel: SecureChannel?
    // The loop owns this; a counted reference would be taken for every packet.
    private unowned(unsafe) let loop: RealTimeLoop
    private let kind: SignalingProtocol
    private let plan: SessionPlan
    private let began: Duration
    private var ice: ICESession
    private var dtls: DTLSSession
    private var party: (any MediaParty)?
    private var admitted: [Admitted] = []
    private var directives: [ICESession.Directive] = []
    private var isOver = false
    /// When the remote party last proved to be at `address`.
    private var heard: Duration?

    /// A path that was proven, and the thread by which its datagrams come, if it is not this one.
    private struct Admitted {
        let address: DatagramAddress
        let via: Int?
        let way: StreamWay?

        var path: ICEPath { ICEPath(transport: way == nil ? .udp : .tcp, remote: address.endpoint) }

        func isOf(_ path: ICEPath) -> Bool { path == self.path }
    }

    init(_ parked: ParkedSession, context: DTLSContext, loop: RealTimeLoop) {
        id = parked.id
        self.loop = loop
        plan = parked.plan
        began = parked.began
        ice = parked.ice
        dtls = DTLSSession(context, role: parked.role, peer: parked.peer)
        if case .viewer = plan { kind = .whep } else { kind = .whip }
    }

    /// By what checks find it.
    var fragments: [ICEFragment] { ice.fragments }
}

/// What the media of a session is to its connection.
protocol MediaParty: AnyObject {
    /// A packet of RTP came, its protection taken off.
    func receive(rtp bytes: UnsafeMutableRawBufferPointer, now: Duration)
    /// A packet of RTCP came, its protection taken off.
    func receive(rtcp bytes: UnsafeMutableRawBufferPointer, now: Duration)
    /// Time went on.
    func tick(now: Duration)
    /// A viewer asks for a layer; nil for the best that the way carries.
    func ask(for layer: RenditionName?, now: Duration)
    /// A random access point is wanted of a publisher.
    func requestRandomAccess(now: Duration)
    /// The session is over.
    func leave()
}

// MARK: - What comes

extension SecureConnection {
    /// Takes a check by one of its fragments.
    func receive(
        _ check: STUNMessage, in bytes: UnsafeMutableRawBufferPointer, from peer: DatagramAddress, via: Int?,
        on way: StreamWay?, now: Duration
    ) {
        let path = ICEPath(transport: way == nil ? .udp : .tcp, remote: peer.endpoint)
        ice.receive(check, in: bytes.octets.span, on: path, now: now, into: &directives)
        if let way { takeOver(path, by: way) }
        let isProven = directives.contains { if case .send = $0 { true } else { false } }
        obey(from: peer, via: via, on: way, now: now)
        if way == nil, !isOver { keep(path, peer, via: via, isProven: isProven, now: now) }
    }

    /// An address stays this session's by each check on it: another session's check could come with it forged. One that is
    /// no path is not remembered by the thread that it comes to either.
    private func keep(_ path: ICEPath, _ peer: DatagramAddress, via: Int?, isProven: Bool, now: Duration) {
        if !ice.isAdmitted(path) {
            if let via { loop.disown(peer, via: via) }
        } else if isProven {
            loop.admit(peer, self, now: now)
            note(peer, now: now)
        }
    }

    /// Notes that something came of the remote party that only it can make.
    private func note(_ peer: DatagramAddress, now: Duration) { if peer == address { heard = now } }

    /// Whether the remote party was heard a moment ago from there, where packets go.
    func wasHeard(from peer: DatagramAddress, now: Duration) -> Bool {
        guard !isOver, peer == address, let heard else { return false }
        return now - heard < Self.presence
    }

    /// For how long an address is whose check or media came from it: longer than from check to check, which takes 4 to 6 s
    /// (RFC 7675 §5.1).
    static let presence: Duration = .seconds(7)

    /// A connection of TCP may come from the port of one before it, whose end was not heard of yet or was: to ICE the two
    /// are one path. Whoever proves on it to be the remote party has the path from then on.
    private func takeOver(_ path: ICEPath, by way: StreamWay) {
        var isProven = false
        for directive in directives {
            switch directive {
            case .admit, .drop: return
            case .send: isProven = true
            case .expire, .forget, .retire, .select: break
            }
        }
        guard isProven, ice.isAdmitted(path), !admitted.contains(where: { $0.way === way }) else { return }
        forget(path)
        loop.admit(way, self)
        admitted.append(Admitted(address: way.peer, via: nil, way: way))
        if self.way?.peer == way.peer { self.way = way }
    }

    /// Takes DTLS, RTP or RTCP from an address that was proven.
    func receive(
        _ kind: DatagramKind, _ bytes: UnsafeMutableRawBufferPointer, from peer: DatagramAddress, now: Duration
    ) {
        switch kind {
        case .dtls: obey(dtls.receive(UnsafeRawBufferPointer(bytes), now: now), now: now)
        case .rtp: receiveMedia(bytes, from: peer, now: now)
        case .rtcp: receiveControl(bytes, from: peer, now: now)
        case .stun, .unknown: break
        }
    }

    private func receiveMedia(_ bytes: UnsafeMutableRawBufferPointer, from peer: DatagramAddress, now: Duration) {
        guard let channel, let party else { return loop.metrics.dropped("before_keys") }
        do throws(SRTPFailure) {
            let count = try channel.open(bytes)
            sign(from: peer, now: now)
            party.receive(rtp: UnsafeMutableRawBufferPointer(rebasing: bytes[..<count]), now: now)
        } catch {
            loop.metrics.dropped(error)
        }
    }

    private func receiveControl(_ bytes: UnsafeMutableRawBufferPointer, from peer: DatagramAddress, now: Duration) {
        guard let channel, let party else { return loop.metrics.dropped("before_keys") }
        do throws(SRTPFailure) {
            let count = try channel.openControl(bytes)
            sign(from: peer, now: now)
            party.receive(rtcp: UnsafeMutableRawBufferPointer(rebasing: bytes[..<count]), now: now)
        } catch {
            loop.metrics.dropped(error)
        }
    }

    /// Media that is authentic is a sign of life, where packets go; from elsewhere it says where the party is, if it has fallen
    /// silent there.
    private func sign(from peer: DatagramAddress, now: Duration) {
        if peer != address { move(to: peer, now: now) }
        guard peer == address else { return }
        heard = now
        ice.heard(now: now)
    }

    private func move(to peer: DatagramAddress, now: Duration) {
        guard let known = admitted.last(where: { $0.address == peer }) else { return }
        ice.heard(elsewhere: known.path, now: now, into: &directives)
        obey(from: nil, via: nil, now: now)
    }

    /// Time went on.
    func tick(now: Duration) {
        ice.tick(now: now, into: &directives)
        obey(from: nil, via: nil, now: now)
        endStalled(now: now)
        guard !isOver else { return }
        obey(dtls.tick(now: now), now: now)
        if !isOver { party?.tick(now: now) }
    }

    /// Ends connections of TCP on which nothing is taken any more; with the one that is used, the session.
    private func endStalled(now: Duration) {
        for known in admitted {
            guard let stalled = known.way, stalled.isStalled(now: now) else { continue }
            if stalled === way { return close(.stalled, now: now) }
            admitted.removeAll { $0.way === stalled }
            forget(known)
        }
    }

    /// Gives ICE new credentials.
    func restart(_ credentials: ICELocalCredentials, now: Duration) {
        ice.restart(credentials, into: &directives)
        obey(from: nil, via: nil, now: now)
    }

    func requestRandomAccess(now: Duration) { party?.requestRandomAccess(now: now) }

    func ask(for layer: RenditionName?, now: Duration) { party?.ask(for: layer, now: now) }
}

// MARK: - What goes

extension SecureConnection {
    /// Sends a packet of RTCP.
    func send(rtcp packet: [UInt8]) {
        guard let channel, let address, !packet.isEmpty else { return }
        append(to: address, capacity: packet.count + channel.controlOverhead) { buffer in
            channel.protectControl(packet, into: buffer)
        }
    }

    /// Whether packets go over TCP.
    var isStream: Bool { way != nil }

    /// Whether the way takes one more picture: datagrams always are taken, or dropped.
    var hasRoom: Bool { way?.hasRoom ?? true }

    /// Gives `write` a place for a packet on the way to the remote party, which is at `address`.
    func append(
        to address: DatagramAddress, capacity: Int, _ write: (UnsafeMutableRawBufferPointer) -> Int
    ) {
        if let way {
            way.append(capacity: capacity, write)
        } else {
            loop.sender.append(to: address, capacity: capacity, write)
        }
    }

    /// A connection of TCP is gone.
    func lost(_ way: StreamWay) { admitted.removeAll { $0.way === way } }

    /// Ends the session, and says so to the other side.
    func close(_ end: SessionEnd, now: Duration) {
        guard !isOver else { return }
        for case .send(let datagram) in dtls.close() { send(datagram) }
        finish(end)
    }

    private func send(_ datagram: [UInt8]) {
        guard let address else { return }
        append(to: address, capacity: datagram.count) { buffer in
            buffer.copyBytes(from: datagram)
            return datagram.count
        }
    }

    /// Sends on the way that is asked about, which may be another than that of the media.
    private func answer(_ packet: [UInt8], to address: DatagramAddress, on way: StreamWay?) {
        let write = { (buffer: UnsafeMutableRawBufferPointer) in
            buffer.copyBytes(from: packet)
            return packet.count
        }
        if let way {
            way.append(capacity: packet.count, write)
        } else {
            loop.sender.append(to: address, capacity: packet.count, write)
        }
    }

    private func finish(_ end: SessionEnd) {
        guard !isOver else { return }
        isOver = true
        for path in admitted { forget(path) }
        loop.remove(self)
        loop.metrics.ended(end)
        if channel != nil { loop.metrics.sessions(kind, -1) }
        party?.leave()
        party = nil
        plan.leave()
    }
}

// MARK: - Directives

extension SecureConnection {
    private func obey(from peer: DatagramAddress?, via: Int?, on way: StreamWay? = nil, now: Duration) {
        guard !directives.isEmpty else { return }
        let obeyed = directives
        directives.removeAll(keepingCapacity: true)
        for directive in obeyed where !isOver {
            switch directive {
            case .admit: if let peer { admit(peer, via: via, on: way, now: now) }
            case .drop(let refusal):
                loop.metrics.dropped("stun_" + refusal.counterName)
                if let way { loop.refuse(way) }
            case .expire(let expiry): close(SessionEnd(expiry), now: now)
            case .forget(let path): forget(path)
            case .retire(let fragment): loop.retire(fragment)
            case .select(let path): select(path)
            case .send(let bytes, let path): answer(bytes, to: DatagramAddress(path.remote), on: way)
            }
        }
    }

    private func admit(_ peer: DatagramAddress, via: Int?, on way: StreamWay?, now: Duration) {
        if let way { loop.admit(way, self) } else { loop.admit(peer, self, now: now) }
        admitted.append(Admitted(address: peer, via: via, way: way))
        if address == nil { (address, self.way) = (peer, way) }
        obey(dtls.begin(now: now), now: now)
    }

    private func select(_ path: ICEPath) {
        let known = admitted.last { $0.isOf(path) }
        // Nothing goes by UDP to who proved himself by a connection that is gone.
        guard path.transport == .udp || known != nil else { return }
        address = DatagramAddress(path.remote)
        way = known?.way
    }

    private func forget(_ path: ICEPath) {
        for known in admitted.filter({ $0.isOf(path) }) { forget(known) }
        admitted.removeAll { $0.isOf(path) }
    }

    private func forget(_ known: Admitted) {
        if let way = known.way { loop.forget(way) } else { loop.forget(known.address, via: known.via, of: self) }
    }

    private func obey(_ directives: [DTLSSession.Directive], now: Duration) {
        for directive in directives where !isOver {
            switch directive {
            case .closed: finish(channel == nil ? .handshake : .left)
            case .connected(let keys): connect(keys, now: now)
            case .failed: finish(channel == nil ? .handshake : .left)
            case .send(let datagram): send(datagram)
            }
        }
    }

    private func connect(_ keys: SRTPKeys, now: Duration) {
        channel = SecureChannel(keys)
        loop.metrics.connectTime.observe(now - began)
        loop.metrics.sessions(kind, 1)
        switch plan {
        case .publisher(let plan):
            loop.connected(self, isBusy: true)
            party = PublisherParty(plan, connection: self, loop: loop, now: now)
        case .viewer(let plan):
            loop.connected(self, isBusy: false)
            let viewer = ViewerParty(plan, connection: self, loop: loop)
            party = viewer
            viewer.begin(now: now)
        }
    }
}
