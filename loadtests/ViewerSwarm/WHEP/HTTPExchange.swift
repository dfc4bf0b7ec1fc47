// SPDX-License-Identifier: Apache-2.0

import Glibc
import Swarm

/// One request and its answer, over a connection of its own, of TLS where the request's address says so.
final class HTTPExchange: SocketHandler {
    private let socket: Int32
    private let poll: SocketPoll
    private let tls: TLSLink?
    /// Whether TLS has shaken hands, where it is spoken.
    private var isSecured = false
    private var unsent: ArraySlice<UInt8>
    private var decoder = HTTPAnswerDecoder()
    private var done: ((Result<HTTPAnswer, PlayFault>) -> Void)?

    /// Nil where this machine has no socket for it.
    /// - Parameter security: what connections over TLS have in common; asked for by the first.
    init?(
        _ request: HTTPRequest, to server: SocketName, poll: SocketPoll, security: @autoclosure () -> TLSContext,
        done: @escaping (Result<HTTPAnswer, PlayFault>) -> Void
    ) {
        let flags = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        socket = Glibc.socket(server.family, flags, 0)
        guard socket >= 0 else { return nil }
        self.poll = poll
        self.done = done
        unsent = request.bytes[...]
        tls = request.address.isSecure ? TLSLink(security(), over: socket, to: request.address.host) : nil
        var one: Int32 = 1
        setsockopt(socket, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
        let result = server.withAddress { connect(socket, $0, $1) }
        guard result == 0 || errno == EINPROGRESS else {
            close(socket)
            return nil
        }
        poll.watch(socket, self, forWriting: true)
    }

    /// Asks no more.
    func cancel() { finish(nil) }

    func ready(isWritable: Bool) {
        if let tls, !isSecured {
            switch tls.shakeHands() {
            case .done: isSecured = true
            case .ended: return finish(.failure(.connection))
            case .waits(let forRoom): return poll.watch(socket, self, forWriting: forRoom)
            }
        }
        if isWritable || tls != nil, !unsent.isEmpty { write() }
        read()
    }

    private func write() {
        let count = unsent.withUnsafeBytes { bytes in
            tls.map { $0.write(bytes) } ?? send(socket, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
        }
        if count > 0 { unsent = unsent.dropFirst(count) }
        poll.watch(socket, self, forWriting: !unsent.isEmpty)
    }

    private func read() {
        withUnsafeTemporaryAllocation(byteCount: 16 << 10, alignment: 8) { buffer in
            if let tls { return read(tls, into: buffer) }
            while done != nil {
                let count = recv(socket, buffer.baseAddress, buffer.count, Int32(MSG_DONTWAIT))
                if count < 0, errno == EAGAIN { return }
                guard count > 0 else { return ended() }
                take(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            }
        }
    }

    private func read(_ tls: TLSLink, into buffer: UnsafeMutableRawBufferPointer) {
        while done != nil {
            switch tls.read(into: buffer) {
            case .done(let count): take(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            case .ended: return ended()
            case .waits: return
            }
        }
    }

    private func ended() { finish(decoder.finish().map(Result.success) ?? .failure(.connection)) }

    private func take(_ bytes: UnsafeRawBufferPointer) {
        var input = bytes
        do throws(HTTPFailure) {
            if let answer = try decoder.next(&input) { finish(.success(answer)) }
        } catch { finish(.failure(.malformed)) }
    }

    private func finish(_ result: Result<HTTPAnswer, PlayFault>?) {
        guard let done else { return }
        self.done = nil
        poll.end(socket)
        if let result { done(result) }
    }
}
