// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Synchronization

/// A server that a test starts: a program of `.tools/venv`, which `scripts/setup test` fills. It ends with the test's
/// process, whatever ends that.
package final class ToolProcess: Sendable {
    /// The port on 127.0.0.1.
    package let port: Int
    private let shell: Mutex<Process>

    /// Starts a program and waits until it takes connections.
    /// - Parameters:
    ///   - name: its name in the tools' `bin`, or a path from the first slash.
    ///   - port: where it listens; any that is free where it is nil.
    ///   - arguments: made of the port.
    package init(
        _ name: String, port: Int? = nil, _ arguments: (Int) throws -> [String]
    ) async throws {
        self.port = try port ?? Self.freePort()
        let program = name.hasPrefix("/") ? name : Self.tools + "/venv/bin/" + name
        guard FileManager.default.isExecutableFile(atPath: program) else {
            throw NoTool("\(program) is not there; scripts/setup test installs it")
        }
        let process = Process()
        process.executableURL = URL(filePath: "/bin/sh")
        process.arguments = ["-c", Self.script, program] + (try arguments(self.port))
        // A pipe that outlives the test would keep whoever reads it waiting for more.
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        shell = Mutex(process)
        let deadline = ContinuousClock.now + .seconds(60)
        while !Self.takesConnections(self.port) {
            guard process.isRunning else { throw NoTool("\(name) has ended") }
            guard ContinuousClock.now < deadline else { throw NoTool("\(name) does not listen") }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    deinit { shell.withLock { $0.terminate() } }

    /// A port that was free a moment ago, and so was the one `step` above it. Neither is one that the kernel gives to those
    /// who want any, as other tests do all the time.
    package static func freePort(andAbove step: Int = 0) throws -> Int {
        for _ in 0..<100 {
            let port = step > 0 ? Int.random(in: 10_000..<20_000) : Int.random(in: 20_000..<32_000)
            if (try? claim(port)) != nil, (try? claim(port + step)) != nil { return port }
        }
        throw NoTool("no free ports")
    }

    /// Throws where a port is taken.
    private static func claim(_ port: Int) throws {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = loopback(port)
        let isBound = withUnsafeBytes(of: &address) { bytes in
            bind(
                descriptor, bytes.bindMemory(to: sockaddr.self).baseAddress, socklen_t(MemoryLayout<sockaddr_in>.size))
                == 0
        }
        guard isBound else { throw NoTool("port \(port) is taken") }
    }

    /// The repository's folder of tools.
    package static let tools = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../.tools")
        .standardized.path

    private static func takesConnections(_ port: Int) -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = loopback(port)
        return withUnsafeBytes(of: &address) { bytes in
            connect(
                descriptor, bytes.bindMemory(to: sockaddr.self).baseAddress,
                socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
        }
    }

    private static func loopback(_ port: Int) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return address
    }

    /// Ends the server, and what it started, when the test or this shell is gone.
    private static let script = """
        setsid "$0" "$@" </dev/null >/dev/null 2>&1 & server=$!
        trap 'kill -9 -$server; exit' TERM
        while kill -0 $PPID && kill -0 $server; do sleep 1; done 2>/dev/null
        kill -9 -$server 2>/dev/null
        """
}

/// Why there is no server.
package struct NoTool: Error, CustomStringConvertible {
    package let description: String

    init(_ description: String) { self.description = description }
}
