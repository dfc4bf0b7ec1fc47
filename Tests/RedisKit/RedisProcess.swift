// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
package import SharedState
import Synchronization

/// A real Redis server, or a sentinel, on a port of its own, without anything on disk. It ends with the test's process,
/// whatever ends that.
package final class RedisProcess: Sendable {
    /// The port on 127.0.0.1.
    package let port: Int
    private let program: [String]
    private let password: String?
    private let number = Mutex<pid_t?>(nil)

    /// Starts a server and waits until it answers.
    /// - Parameter arguments: what is set otherwise, as `--requirepass`, `word`.
    package convenience init(_ arguments: [String] = [], password: String? = nil) async throws {
        try await self.init(
            program: ["redis-server", "--save", "", "--bind", "127.0.0.1", "--dir", "/tmp"] + arguments,
            password: password)
    }

    /// Starts a sentinel of this file.
    package convenience init(sentinel file: String, password: String? = nil) async throws {
        try await self.init(program: ["redis-sentinel", file], password: password)
    }

    private init(program: [String], password: String?) async throws {
        port = try Self.freePort()
        self.program = program + ["--port", "\(port)"]
        self.password = password
        try await start()
    }

    /// The server as a place.
    package var server: RedisServer { RedisServer(host: "127.0.0.1", port: UInt16(port)) }

    /// Starts it again at the same port, with nothing of what it knew.
    package func start() async throws {
        let shell = Process()
        shell.executableURL = URL(filePath: "/bin/sh")
        shell.arguments = ["-c", Self.script] + program
        shell.standardInput = FileHandle.nullDevice
        shell.standardOutput = FileHandle.nullDevice
        shell.standardError = FileHandle.nullDevice
        try shell.run()
        let deadline = ContinuousClock.now + .seconds(60)
        while number.withLock({ $0 }) == nil {
            guard ContinuousClock.now < deadline else {
                throw NoRedis("\(program[0]) does not answer; scripts/setup test installs it")
            }
            try await Task.sleep(for: .milliseconds(10))
            guard let text = try? command("INFO", "server") else { continue }
            let line = text.split(whereSeparator: \.isNewline).first { $0.hasPrefix("process_id:") }
            number.withLock { $0 = line.flatMap { pid_t($0.dropFirst("process_id:".count)) } }
        }
    }

    /// Kills it, as a crash would.
    package func kill() {
        guard let ended = number.withLock({ $0.take() }) else { return }
        _ = Glibc.kill(ended, SIGKILL)
        let deadline = ContinuousClock.now + .seconds(5)
        while ContinuousClock.now < deadline, (try? RedisDialogue(port: port)) != nil { usleep(1000) }
    }

    /// Has it stand still, with its connections open.
    package func pause() { number.withLock { if let server = $0 { _ = Glibc.kill(server, SIGSTOP) } } }

    /// Lets it go on.
    package func resume() { number.withLock { if let server = $0 { _ = Glibc.kill(server, SIGCONT) } } }

    /// Runs a command and returns its answer as `redis-cli` prints it, a list by its lines.
    /// - Parameter database: which of the server's databases.
    @discardableResult
    package func command(_ words: String..., in database: Int = 0) throws -> String {
        let dialogue = try RedisDialogue(port: port)
        if let password { _ = try dialogue.ask(["AUTH", password]) }
        if database != 0 { _ = try dialogue.ask(["SELECT", "\(database)"]) }
        return try dialogue.ask(words)
    }

    deinit { kill() }

    /// A port that was free a moment ago.
    package static func freePort() throws -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in(loopback: 0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutableBytes(of: &address) { bytes in
            let pointer = bytes.bindMemory(to: sockaddr.self).baseAddress
            return bind(descriptor, pointer, length) == 0 && getsockname(descriptor, pointer, &length) == 0
        }
        guard isBound else { throw NoRedis("no free port") }
        return Int(UInt16(bigEndian: address.sin_port))
    }

    /// Ends the server when the test is gone. It holds nothing but the test's number: a pipe could be inherited by others.
    private static let script = """
        "$0" "$@" & server=$!
        while kill -0 $PPID && kill -0 $server; do sleep 1; done 2>/dev/null
        kill -9 $server 2>/dev/null
        """
}

extension sockaddr_in {
    /// A port on 127.0.0.1.
    init(loopback port: Int) {
        self.init()
        sin_family = sa_family_t(AF_INET)
        sin_port = UInt16(port).bigEndian
        sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    }
}

/// Why there is no server.
package struct NoRedis: Error, CustomStringConvertible {
    package let description: String

    /// What is missing.
    package init(_ description: String) { self.description = description }
}
