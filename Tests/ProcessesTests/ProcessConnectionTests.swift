// SPDX-License-Identifier: Apache-2.0

import Glibc
import NIOCore
import NIOPosix
import Processes
import Synchronization
import TestKit
import Testing

@Suite("A program beside the node")
struct ProcessConnectionTests {
    /// What a program did, as its connection told it.
    private final class Account: Sendable {
        private let state = Mutex<(output: [UInt8], ending: ProcessConnection.Ending?)>(([], nil))
        var output: String { state.withLock { String(decoding: $0.output, as: UTF8.self) } }
        var ending: ProcessConnection.Ending? { state.withLock { $0.ending } }

        func append(_ bytes: ByteBuffer) { state.withLock { $0.output += bytes.readableBytesView } }
        func end(_ ending: ProcessConnection.Ending) { state.withLock { $0.ending = ending } }
    }

    /// Starts a shell with a script, lets `body` use it on its event loop, and waits for what `isDone` says.
    private func run(
        _ script: String, path: String = "/bin/sh",
        _ body: @escaping @Sendable (ProcessConnection) -> Void = { _ in },
        until isDone: @Sendable (Account) -> Bool = { $0.ending != nil }
    ) async throws -> Account {
        let account = Account()
        let eventLoop = MultiThreadedEventLoopGroup.singleton.next()
        try await withCheckedThrowingContinuation { (waiting: CheckedContinuation<Void, any Error>) in
            eventLoop.execute {
                ProcessConnection.start(
                    path, ["-c", script], on: eventLoop,
                    started: { result in
                        waiting.resume(with: result.map(body))
                    }, output: { account.append($0) }, ended: { account.end($0) })
            }
        }
        try await eventually("it is done") { isDone(account) }
        return account
    }

    @Test("gives back what it makes of what it gets")
    func echoes() async throws {
        let account = try await run("cat", { #expect($0.write(Array("hello".utf8))) }) { $0.output == "hello" }
        #expect(account.ending == nil)
    }

    @Test("knows no variable of the node's but where programs are")
    func variables() async throws {
        setenv("SECRET_OF_A_TEST", "nobody's", 1)
        let account = try await run("env; echo done", until: { $0.output.hasSuffix("done\n") })
        #expect(account.output.contains("PATH=") && !account.output.contains("SECRET_OF_A_TEST"))
    }

    @Test("ends with its input, and says how", arguments: [0, 3] as [CInt])
    func ends(status: CInt) async throws {
        let account = try await run("cat >/dev/null; echo words >&2; exit \(status)", { $0.end() })
        #expect(account.ending?.status == status)
        #expect(account.ending?.lastWords == "words\n")
    }

    @Test(
        "is killed where it does not end",
        arguments: ["trap '' TERM HUP INT; while :; do sleep 0.1; done", "exec sleep 60"])
    func stubborn(script: String) async throws {
        let account = try await run(script, { $0.end() })
        #expect(account.ending?.status == -SIGKILL)
    }

    @Test("is killed at once on request, though it would end with its input")
    func kills() async throws {
        let account = try await run("exec cat", { $0.kill() })
        #expect(account.ending?.status == -SIGKILL)
    }

    @Test("takes a bounded amount that it does not read")
    func bounded() async throws {
        let taken = Mutex(0)
        _ = try await run(
            "exec sleep 60",
            { connection in
                let piece = [UInt8](repeating: 0, count: 1000)
                while connection.write(piece), taken.withLock({ $0 }) < 10_000 { taken.withLock { $0 += 1 } }
                connection.kill()
            })
        #expect(taken.withLock { $0 } < 1000)
    }

    @Test("inherits nothing but its three pipes")
    func inheritsNothing() async throws {
        let account = try await run("ls /proc/self/fd | tr '\\n' ' '")
        // The fourth is the folder that is listed.
        #expect(account.output == "0 1 2 3 ")
    }

    @Test("is not started where there is none")
    func missing() async throws {
        await #expect(throws: ProcessFailure.self) { try await run("", path: "/nowhere/program") }
        #expect(ProgramPath.find("/nowhere/program") == nil)
        #expect(ProgramPath.find("no-such-program-anywhere") == nil)
        #expect(ProgramPath.find("/etc/passwd") == nil)
        #expect(ProgramPath.find("sh")?.hasSuffix("/sh") == true)
    }
}
