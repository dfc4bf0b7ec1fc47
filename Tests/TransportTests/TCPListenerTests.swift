// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix
import NIOSSL
import Synchronization
import TestKit
import Testing
import Transport

@Suite("A TCP listener", .timeLimit(.minutes(1)))
struct TCPListenerTests {
    let group = MultiThreadedEventLoopGroup.singleton
    let log = TransportLog()

    private func listen(_ limits: AdmissionLimits) async throws -> TCPListener {
        try await TCPListener.bind(
            TCPListenerSettings(host: "127.0.0.1", port: 0, limits: limits), on: group, observer: log
        ) { channel, peer in
            #expect(peer.isLoopback)
            try channel.pipeline.syncOperations.addHandler(Echo())
        }
    }

    @Test("serves connections and says goodbye to them when it stops")
    func serving() async throws {
        let listener = try await listen(AdmissionLimits())
        let client = try await Client.connect(to: listener.address, on: group)
        try await client.send("hello")
        #expect(await client.receive(5) == "hello")
        #expect(listener.connections == 1)
        await listener.stop(within: .seconds(30))
        #expect(await client.rest() == "")
        #expect(log.entries == ["accepted", "closed"])
        #expect(listener.connections == 0)
    }

    @Test("has the kernel break off what another machine confirms nothing of")
    func silence() async throws {
        let limits = Mutex<EventLoopFuture<SocketOptionValue>?>(nil)
        let listener = try await TCPListener.bind(
            TCPListenerSettings(host: "127.0.0.1", port: 0), on: group, observer: log
        ) { channel, _ in
            let limit = channel.breaksOff(afterSilence: .milliseconds(2500)).flatMap {
                channel.getOption(.silenceLimit)
            }
            limits.withLock { $0 = limit }
            try channel.pipeline.syncOperations.addHandler(Echo())
        }
        let client = try await Client.connect(to: listener.address, on: group)
        try await client.send("a")
        #expect(await client.receive(1) == "a")
        #expect(try await #require(limits.withLock { $0 }).get() == 2500)
        await listener.stop(within: .zero)
    }

    @Test("closes what is over its limit, and goes on with what is not")
    func limits() async throws {
        let listener = try await listen(AdmissionLimits(connections: 1))
        let first = try await Client.connect(to: listener.address, on: group)
        try await first.send("a")
        #expect(await first.receive(1) == "a")
        let second = try await Client.connect(to: listener.address, on: group)
        #expect(await second.rest() == "")
        try await first.send("b")
        #expect(await first.receive(1) == "b")
        #expect(log.entries == ["accepted", "refused tooManyConnections"])
        await listener.stop(within: .zero)
    }

    @Test("keeps its sockets from the programs that the process starts")
    func inheritance() async throws {
        let listener = try await listen(AdmissionLimits())
        let client = try await Client.connect(to: listener.address, on: group)
        try await client.send("hello")
        #expect(await client.receive(5) == "hello")
        // Both sockets have the listener's port as theirs; the field after it is the other end, the tenth the inode.
        let port = String(listener.address.port ?? 0, radix: 16, uppercase: true)
        try await run(
            """
            for try in $(seq 50); do # the table is not read at once: an entry may be missed or come twice
                inodes=$(awk '$2 ~ /:0*\(port)$/ && $10 > 0 { print $10 }' /proc/net/tcp | sort -u)
                test $(echo "$inodes" | wc -l) = 2 && break
            done
            test $(echo "$inodes" | wc -l) = 2 || exit 1
            for inode in $inodes; do ! readlink /proc/self/fd/* | grep -F "socket:[$inode]" || exit 1; done
            """
        )
        try await client.channel.close()
        await listener.stop(within: .zero)
    }

    @Test("cuts who does not leave in time")
    func cutting() async throws {
        let listener = try await TCPListener.bind(
            TCPListenerSettings(host: "127.0.0.1", port: 0), on: group, observer: log
        ) { _, _ in }
        let client = try await Client.connect(to: listener.address, on: group)
        try await eventually("it is let in") { listener.connections == 1 }
        await listener.stop(within: .milliseconds(1))
        #expect(await client.rest() == "")
        #expect(listener.connections == 0)
    }
}

@Suite("TLS contexts", .timeLimit(.minutes(1)))
struct TLSContextsTests {
    let group = MultiThreadedEventLoopGroup.singleton
    let log = TransportLog()

    @Test("give new connections a new certificate and leave the others be")
    func reloading() async throws {
        let certificates = try Certificates()
        try await certificates.issue(name: "first.test")
        let contexts = try TLSContexts(certificates.files)
        let listener = try await listen(contexts)
        let first = try await connect(to: listener, trusting: certificates.files, name: "first.test")
        try await certificates.issue(name: "second.test")
        #expect(try contexts.reload())
        #expect(try !contexts.reload())
        let second = try await connect(to: listener, trusting: certificates.files, name: "second.test")
        try await first.send("one")
        try await second.send("two")
        #expect(await first.receive(3) == "one")
        #expect(await second.receive(3) == "two")
        await listener.stop(within: .seconds(1))
    }

    @Test("keep what they have when the files are of no use")
    func broken() async throws {
        let certificates = try Certificates()
        try await certificates.issue(name: "a.test")
        let contexts = try TLSContexts(certificates.files)
        let listener = try await listen(contexts)
        let other = try Certificates()
        try await other.issue(name: "b.test")
        try await run("cp \(other.files.key) \(certificates.files.key)")
        #expect(throws: (any Error).self) { try contexts.reload() }
        let client = try await connect(to: listener, trusting: certificates.files, name: "a.test")
        try await client.send("x")
        #expect(await client.receive(1) == "x")
        await listener.stop(within: .seconds(1))
    }

    @Test("refuse who speaks no TLS, and count it")
    func noTLS() async throws {
        let certificates = try Certificates()
        try await certificates.issue(name: "a.test")
        let listener = try await listen(try TLSContexts(certificates.files))
        let client = try await Client.connect(to: listener.address, on: group)
        try await client.send("GET / HTTP/1.1\r\n\r\n")
        _ = await client.rest()
        #expect(log.entries.contains("handshake refused"))
        await listener.stop(within: .seconds(1))
    }

    @Test("end a handshake that takes too long")
    func slowHandshake() async throws {
        let certificates = try Certificates()
        try await certificates.issue(name: "a.test")
        let listener = try await listen(try TLSContexts(certificates.files), timeout: .milliseconds(20))
        let client = try await Client.connect(to: listener.address, on: group)
        #expect(await client.rest() == "")
        #expect(log.entries.contains("handshake timeout"))
        await listener.stop(within: .seconds(1))
    }

    private func listen(_ contexts: TLSContexts, timeout: Duration = .seconds(5)) async throws -> TCPListener {
        let log = log
        return try await TCPListener.bind(
            TCPListenerSettings(host: "127.0.0.1", port: 0), on: group, observer: log
        ) { channel, _ in
            try contexts.secure(channel, for: .rtmp, handshakeTimeout: timeout, observer: log)
            try channel.pipeline.syncOperations.addHandler(Echo())
        }
    }

    private func connect(to listener: TCPListener, trusting files: TLSFiles, name: String) async throws -> Client {
        var settings = TLSConfiguration.makeClientConfiguration()
        settings.trustRoots = .file(files.certificates)
        let context = try NIOSSLContext(configuration: settings)
        let client = try await Client.connect(to: listener.address, on: group)
        try await client.channel.eventLoop.submit {
            try client.channel.pipeline.syncOperations.addHandler(
                NIOSSLClientHandler(context: context, serverHostname: name), position: .first
            )
        }.get()
        return client
    }
}
