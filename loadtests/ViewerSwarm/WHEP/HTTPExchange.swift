// SPDX-License-Identifier: Apache-2.0

import Glibc
import Swarm

/// One request and its answer, over a connection of its own.
final class HTTPExchange: SocketHandler {
    private let socket: Int32
    private let poll: SocketPoll
    private var unsent: ArraySlice<UInt8>
    private var decoder = HTTPAnswerDecoder()
    private var done: ((Result<HTTPAnswer, PlayFault>) -> Void)?

    /// Nil where this machine has no socket for it, and for one over TLS.
    init?(
        _ request: HTTPRequest, to server: SocketName, poll: SocketPoll,
        done: @escaping (Result<HTTPAnswer, PlayFault>) -> Void
    ) {
        guard !request.address.isSecure else { return nil }
        let flags = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        socket = Glibc.socket(server.family, flags, 0)
        guard socket >= 0 else { return nil }
        self.poll = poll
        self.done = done
        unsent = request.bytes[...]
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
        if isWritable, !unsent.isEmpty { write() }
        read()
    }

    private func write() {
        let count = unsent.withUnsafeBytes { send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
        if count > 0 { unsent = unsent.dropFirst(count) }
        if unsent.isEmpty { poll.watch(socket, self) }
    }

    private func read() {
        withUnsafeTemporaryAllocation(byteCount: 16 << 10, alignment: 8) { buffer in
            while done != nil {
                let count = recv(socket, buffer.baseAddress, buffer.count, Int32(MSG_DONTWAIT))
                if count < 0, errno == EAGAIN { return }
                guard count > 0 else { return finish(decoder.finish().map(Result.success) ?? .failure(.connection)) }
                take(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            }
        }
    }

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
