// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A connection on which a test asks a server something. It blocks, for as long as a server on the same machine takes.
struct RedisDialogue: ~Copyable {
    private let descriptor: Int32

    init(port: Int) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in(loopback: port)
        var limit = timeval(tv_sec: 5, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        let isOpen = withUnsafeBytes(of: &address) { bytes in
            connect(descriptor, bytes.bindMemory(to: sockaddr.self).baseAddress, socklen_t(bytes.count)) == 0
        }
        guard isOpen else { throw NoRedis("nobody listens at \(port)") }
    }

    deinit { close(descriptor) }

    /// Asks, and returns the answer as text; nothing is an empty one, a list has a line for each.
    func ask(_ words: [String]) throws -> String {
        let question = Array(
            (["*\(words.count)"] + words.flatMap { ["$\($0.utf8.count)", $0] }).joined(separator: "\r\n").utf8)
        guard send(descriptor, question + [13, 10], question.count + 2, Int32(MSG_NOSIGNAL)) == question.count + 2
        else { throw NoRedis("it does not listen") }
        return try answer()
    }

    private func answer() throws -> String {
        let line = try line()
        let count = Int(line.dropFirst()) ?? 0
        switch line.first {
        case "$": return count < 0 ? "" : try text(count)
        case "*": return try (0..<max(0, count)).map { _ in try answer() }.joined(separator: "\n")
        default: return String(line.dropFirst())
        }
    }

    private func line() throws -> String {
        var bytes: [UInt8] = []
        while bytes.suffix(2) != [13, 10] { bytes.append(try byte()) }
        return String(decoding: bytes.dropLast(2), as: UTF8.self)
    }

    private func text(_ count: Int) throws -> String {
        let bytes = try (0..<count + 2).map { _ in try byte() }
        return String(decoding: bytes.dropLast(2), as: UTF8.self)
    }

    private func byte() throws -> UInt8 {
        var byte: UInt8 = 0
        guard recv(descriptor, &byte, 1, 0) == 1 else { throw NoRedis("it says nothing") }
        return byte
    }
}
