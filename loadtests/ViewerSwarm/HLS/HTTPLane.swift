// SPDX-License-Identifier: Apache-2.0

import CLinuxIO
import Glibc
import Swarm

/// One HTTP/1.1 connection of a viewer to one server, over TLS where its address says so, with at most one request under way.
final class HTTPLane: SocketHandler {
    let number: Int
    /// The server, at any path.
    let server: HTTPAddress
    private unowned let viewer: HLSViewer
    private let socket: Int32
    private let tls: TLSLink?
    private var decoder = HTTPAnswerDecoder()
    private var unsent: ArraySlice<UInt8> = []
    private var phase = Phase.connecting

    private enum Phase {
        /// Exits: securing, open, closed.
        case connecting
        /// TLS shakes hands. Exits: open, closed.
        case securing
        /// Exit: closed.
        case open
        /// Silent.
        case closed
    }

    /// Nil where this machine has no socket for it.
    init?(_ viewer: HLSViewer, number: Int, to server: HTTPAddress, at name: SocketName, from source: SocketName?) {
        let flags = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        socket = Glibc.socket(name.family, flags, 0)
        guard socket >= 0 else { return nil }
        self.viewer = viewer
        self.number = number
        self.server = server
        tls = server.isSecure ? TLSLink(viewer.swarm.security, over: socket, to: server.host) : nil
        turnOn(TCP_NODELAY, of: Int32(IPPROTO_TCP))
        if let source, source.family == name.family {
            // The kernel then takes any port that is free towards this server, not one that is free towards all.
            turnOn(Int32(MILLRACE_IP_BIND_ADDRESS_NO_PORT), of: Int32(IPPROTO_IP))
            _ = source.withAddress { bind(socket, $0, $1) }
        }
        let result = name.withAddress { connect(socket, $0, $1) }
        guard result == 0 || errno == EINPROGRESS else {
            Glibc.close(socket)
            return nil
        }
        viewer.swarm.poll.watch(socket, self, forWriting: true)
    }

    /// Asks; waits for the connection where it is not there yet.
    func send(_ request: HLSRequest) {
        decoder.keepsBodies = request.wantsBody
        unsent = Self.head(of: request)
        if case .open = phase { write() }
    }

    /// Ends the connection at once; nothing of it lingers in the kernel.
    func close() {
        if case .closed = phase { return }
        phase = .closed
        var now = linger(l_onoff: 1, l_linger: 0)
        setsockopt(socket, SOL_SOCKET, SO_LINGER, &now, socklen_t(MemoryLayout<linger>.size))
        viewer.swarm.poll.end(socket)
    }

    func ready(isWritable: Bool) {
        if case .connecting = phase {
            guard !hasFailed else { return lost(.connection) }
            // The event may be of a socket that had this number before.
            guard isWritable else { return }
            phase = tls == nil ? .open : .securing
            viewer.swarm.poll.watch(socket, self)
        }
        if case .securing = phase { shakeHands() }
        guard case .open = phase else { return }
        if isWritable, !unsent.isEmpty { write() }
        read()
    }

    private func shakeHands() {
        switch tls?.shakeHands() {
        case .done:
            phase = .open
            viewer.swarm.poll.watch(socket, self)
            if !unsent.isEmpty { write() }
        case .waits(let forRoom): viewer.swarm.poll.watch(socket, self, forWriting: forRoom)
        case .ended, nil: lost(.connection)
        }
    }

    private var hasFailed: Bool {
        var (error, size): (Int32, socklen_t) = (0, socklen_t(MemoryLayout<Int32>.size))
        return getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0
    }

    private func write() {
        let count = unsent.withUnsafeBytes { bytes in
            tls.map { $0.write(bytes) } ?? Glibc.send(socket, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
        }
        if count < 0, errno != EAGAIN { return }  // What is read next says why.
        unsent = count == unsent.count ? [] : unsent.dropFirst(max(count, 0))
        if !unsent.isEmpty { viewer.swarm.poll.watch(socket, self, forWriting: true) }
    }

    private func read() {
        let buffer = viewer.swarm.buffer
        if let tls { return read(tls, into: buffer) }
        while case .open = phase {
            let count = recv(socket, buffer.baseAddress, buffer.count, Int32(MSG_DONTWAIT))
            if count < 0, errno == EAGAIN { return }
            guard count > 0 else { return ended() }
            take(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            if count < buffer.count { return }
        }
    }

    /// Until it has nothing more: the socket does not say what TLS has read already.
    private func read(_ tls: TLSLink, into buffer: UnsafeMutableRawBufferPointer) {
        while case .open = phase {
            switch tls.read(into: buffer) {
            case .done(let count): take(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            case .ended: return ended()
            case .waits: return
            }
        }
    }

    private func take(_ bytes: UnsafeRawBufferPointer) {
        var input = bytes
        do throws(HTTPFailure) {
            while case .open = phase, let answer = try decoder.next(&input) { viewer.receive(answer, on: self) }
        } catch { lost(.malformed) }
    }

    private func ended() {
        if let answer = decoder.finish() { viewer.receive(answer, on: self) }
        lost(.connection)
    }

    private func lost(_ fault: HLSFault) {
        close()
        viewer.lost(self, fault)
    }

    private func turnOn(_ option: Int32, of level: Int32) {
        var one: Int32 = 1
        setsockopt(socket, level, option, &one, socklen_t(MemoryLayout<Int32>.size))
    }

    private static func head(of request: HLSRequest) -> ArraySlice<UInt8> {
        var head: [UInt8] = []
        head.reserveCapacity(256)
        head += "GET ".utf8
        head += request.address.path.utf8
        head += " HTTP/1.1\r\nHost: ".utf8
        head += request.address.authority.utf8
        head += "\r\nUser-Agent: millrace-load\r\n\r\n".utf8
        return head[...]
    }
}
