// SPDX-License-Identifier: Apache-2.0

import Foundation
import Media
import Node
import Objects
import SharedState
import Testing

@Suite("A check of the machine")
struct MachineChecksTests {
    @Test("wants a descriptor for each connection that the settings allow", arguments: [1024, 23_023, 23_024])
    func descriptors(_ limit: Int) {
        let finding = MachineChecks.descriptors(UInt64(limit), NodeSettings())
        #expect(finding.verdict == (limit < 23_024 ? .fail : .ok))
        #expect(finding.found == "at most \(limit)")
        #expect(finding.needed.hasPrefix("23024,"))
    }

    @Test("counts what only some nodes have: RTMPS, the relay, WebRTC over TCP")
    func allDescriptors() {
        var settings = NodeSettings()
        settings.http.tls.certificate = "chain.pem"
        settings.cluster.key = SecretText("key")
        settings.webrtc.tcpPort = 8000
        #expect(MachineChecks.descriptors(1, settings).needed.hasPrefix("33216,"))
    }

    @Test("wants room for all viewers")
    func connections() {
        var settings = NodeSettings()
        #expect(MachineChecks.connections(settings).verdict == .ok)
        settings.limits.viewers = 30_000
        let finding = MachineChecks.connections(settings)
        #expect(finding.verdict == .warn && finding.mend == "http.max_connections: 30000")
    }

    @Test(
        "holds the kernel's values against ours",
        arguments: [
            ("net.core.rmem_max", 212_992, "warn"), ("net.core.rmem_max", 33_554_432, "ok"),
            ("net.core.rmem_max", 1 << 30, "ok"), ("net.ipv4.tcp_slow_start_after_idle", 1, "warn"),
            ("net.ipv4.tcp_slow_start_after_idle", 0, "ok"), ("net.ipv4.tcp_notsent_lowat", 4_294_967_295, "warn"),
            ("net.ipv4.tcp_notsent_lowat", 16_384, "ok"), ("net.core.somaxconn", nil, "warn"),
        ] as [(String, Int?, String)]
    )
    func kernel(_ name: String, _ value: Int?, _ verdict: String) throws {
        let setting = try #require(KernelSetting.all.first { $0.name == name })
        #expect(MachineChecks.kernel(setting, value).verdict.rawValue == verdict)
    }

    @Test("asks of the kernel what the shipped file sets, and nothing else")
    func file() throws {
        let path = URL(filePath: #filePath).appending(path: "../../../deployments/systemd/sysctl.conf").standardized
        #expect(try String(contentsOf: path, encoding: .utf8) == KernelSetting.file)
    }

    @Test(
        "takes a port that is free or a node's",
        arguments: [
            (.free, "ok"), (.held(by: "millrace (process 17)"), "ok"), (.held(by: "nginx (process 17)"), "fail"),
            (.held(by: nil), "warn"), (.forbidden("Permission denied"), "fail"),
        ] as [(UsedPort.State, String)]
    )
    func port(_ state: UsedPort.State, _ verdict: String) throws {
        let port = try #require(UsedPort.all(of: NodeSettings()).first)
        let finding = MachineChecks.port(port, state)
        #expect(finding.verdict.rawValue == verdict && finding.check == "http.port 8080/tcp")
    }

    @Test("looks at the ports that the settings use, and at no other")
    func ports() {
        var settings = NodeSettings()
        func names() -> [String] { UsedPort.all(of: settings).map { "\($0.setting) \($0.isUDP ? "udp" : "tcp")" } }
        #expect(names() == ["http.port tcp", "rtmp.port tcp", "webrtc.port udp", "rtp.port udp", "grpc.port tcp"])
        settings.rtp.enabled = false
        settings.webrtc.enabled = false
        settings.http.port = 0
        settings.http.tls.certificate = "chain.pem"
        settings.cluster.key = SecretText("key")
        settings.edge.agentPort = 8101
        #expect(
            names() == [
                "rtmp.port tcp", "rtmp.tls_port tcp", "gossip.port udp", "gossip.port tcp", "relay.port tcp",
                "edge.agent_port tcp",
            ])
    }

    @Test("finds who listens in the kernel's tables")
    func sockets() {
        let table = """
              sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
               0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0
               1: 0100007F:1F90 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 4712 1 0
               2: 0100007F:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4713 1 0
               3: cut
            """
        #expect(PortHolder.sockets(in: table, at: 8080, isUDP: false) == ["4711"])
        #expect(PortHolder.sockets(in: table, at: 8080, isUDP: true) == ["4711", "4712"])
        #expect(PortHolder.sockets(in: table, at: 443, isUDP: false).isEmpty)
        for length in 0..<table.count { _ = PortHolder.sockets(in: String(table.prefix(length)), at: 80, isUDP: false) }
    }

    @Test(
        "takes a clock by its distance from others, and by its keeper where there is no other",
        arguments: [
            (nil, [], "warn"), (false, [], "warn"), (true, [], "ok"), (false, [1], "ok"), (true, [0, -3], "warn"),
            (true, [61], "fail"), (nil, [-3600, 0], "fail"),
        ] as [(Bool?, [Int], String)]
    )
    func clock(_ isKept: Bool?, _ seconds: [Int], _ verdict: String) {
        let reading = ClockReading(isKept: isKept, offsets: seconds.map { ("the store", .seconds($0)) })
        #expect(MachineChecks.clock(reading).verdict.rawValue == verdict)
    }

    @Test(
        "reads the time of others off their answers",
        arguments: [
            ("Thu, 01 Jan 1970 00:00:00 GMT", "1970-01-01T00:00:00.000Z"),
            ("Sun, 06 Nov 1994 08:49:37 GMT", "1994-11-06T08:49:37.000Z"),
            ("Thu, 29 Feb 2024 23:59:59 GMT", "2024-02-29T23:59:59.000Z"),
            ("Fri, 01 Mar 2024 00:00:00 GMT", "2024-03-01T00:00:00.000Z"),
            ("Mon, 01 Mar 2100 12:00:00 GMT", "2100-03-01T12:00:00.000Z"), ("Sunday, 06-Nov-94 08:49:37 GMT", nil),
            ("Sun, 06 Nov 1994 08:49 GMT", nil), ("Sun, 99 Nov 1994 08:49:37 GMT", nil), ("", nil),
        ] as [(String, String?)]
    )
    func date(_ header: String, _ time: String?) { #expect(HTTPDate.time(of: header)?.description == time) }

    @Test("wants an address for a name")
    func name() {
        #expect(MachineChecks.name("store.test", of: "storage.endpoint", 2).verdict == .ok)
        #expect(MachineChecks.name("store.test", of: "storage.endpoint", 0).verdict == .fail)
    }
}

@Suite("A check of what is around a node")
struct ServiceChecksTests {
    private static let now = WallTime(milliseconds: 1_800_000_000_000)

    @Test(
        "takes a certificate that is in force for another fortnight",
        arguments: [(-400, -1, "fail"), (-80, 10, "warn"), (-10, 80, "ok"), (1, 90, "fail")])
    func certificate(_ begins: Int, _ ends: Int, _ verdict: String) {
        var reading = CertificateReading(.right)
        reading.begins = Self.now.advanced(by: .seconds(begins * 86_400))
        reading.ends = Self.now.advanced(by: .seconds(ends * 86_400))
        #expect(ServiceChecks.certificate("http.tls.certificate", reading, now: Self.now).verdict.rawValue == verdict)
    }

    @Test("refuses a certificate that does not fit, and says what of it does not")
    func misfits() {
        let states: [CertificateReading.State] = [
            .unreadable("chain.pem"), .empty("chain.pem"), .wrongKey, .broken, .stranger,
        ]
        let findings = states.map {
            ServiceChecks.certificate("http.tls.certificate", CertificateReading($0), now: Self.now)
        }
        #expect(findings.allSatisfy { $0.verdict == .fail && $0.mend != nil })
        #expect(Set(findings.map(\.found)).count == states.count)
        var foreign = CertificateReading(.right)
        foreign.ends = Self.now.advanced(by: .seconds(90 * 86_400))
        foreign.missing = ["live.test"]
        let finding = ServiceChecks.certificate("http.tls.certificate", foreign, now: Self.now)
        #expect(finding.verdict == .warn && finding.found.contains("live.test"))
    }

    @Test(
        "reads certificates as openssl makes them",
        arguments: [
            ("chain.pem", "key.pem", nil, "right"), ("chain.pem", "other.pem", nil, "wrongKey"),
            ("none.pem", "key.pem", nil, "unreadable"), ("key.pem", "key.pem", nil, "empty"),
            ("chain.pem", "key.pem", "authority.pem", "right"), ("chain.pem", "key.pem", "strange.pem", "stranger"),
            ("mixed.pem", "key.pem", nil, "broken"),
        ] as [(String, String, String?, String)]
    )
    func reading(_ chain: String, _ key: String, _ authority: String?, _ state: String) throws {
        let folder = try Self.certificates.get()
        func path(_ name: String) -> String { folder.appending(path: name).path }
        let reading = CertificateReading(
            certificates: path(chain), key: path(key), authority: authority.map(path),
            names: ["live.test", "192.0.2.1", "other.test"])
        #expect("\(reading.state)".hasPrefix(state))
        guard reading.state == .right else { return }
        #expect(reading.missing == ["other.test"])
        let days = (reading.ends.milliseconds - reading.begins.milliseconds) / 86_400_000
        #expect(days == 30)
    }

    @Test("wants a master of Redis that lets it in")
    func redis() {
        #expect(ServiceChecks.redis(.success("master")).verdict == .ok)
        #expect(ServiceChecks.redis(.success("slave")).verdict == .fail)
        let refused = ServiceChecks.redis(.failure(.refused("WRONGPASS invalid username-password pair")))
        #expect(refused.verdict == .fail && refused.found.hasPrefix("WRONGPASS"))
        #expect(ServiceChecks.redis(.failure(.unreachable("Connection refused"))).verdict == .fail)
    }

    @Test("wants a store that writes, reads, removes and refuses")
    func store() {
        let settings = StorageSettings()
        #expect(ServiceChecks.store(.works, settings).verdict == .ok)
        let outcomes: [StoreOutcome] = [
            .overwrites, .unsettled("no secret"), .failed("put", .wrongCredentials("SignatureDoesNotMatch")),
            .failed("put", .noBucket), .failed("get", .unreachable("refused")), .failed("put", .full),
        ]
        let findings = outcomes.map { ServiceChecks.store($0, settings) }
        #expect(findings.allSatisfy { $0.verdict == .fail })
        #expect(Set(findings.compactMap(\.mend)).count == outcomes.count)
    }

    @Test("wants somebody at a seed, but of the first node", arguments: [(0, 0, "fail"), (2, 0, "warn"), (2, 1, "ok")])
    func seed(_ addresses: Int, _ answering: Int, _ verdict: String) {
        let finding = ServiceChecks.seed("seeds.test", addresses: addresses, answering: answering)
        #expect(finding.verdict.rawValue == verdict)
    }

    @Test("is a line with its cure, which what is well does not need")
    func line() {
        let ill = ServiceChecks.seed("seeds.test", addresses: 0, answering: 0).line
        #expect(ill.hasPrefix("fail  seed seeds.test: no address; needed: ") && ill.contains("; mend: "))
        let well = ServiceChecks.seed("seeds.test", addresses: 1, answering: 1).line
        #expect(well.hasPrefix("ok    seed seeds.test: 1 of 1 addresses answer; needed: ") && !well.contains("mend:"))
    }

    /// A certificate of an authority, of thirty days, and what does not go with it.
    private static let certificates = Result {
        let folder = FileManager.default.temporaryDirectory.appending(path: "doctor-\(UInt64.random(in: 0 ... .max))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let process = Process()
        process.executableURL = URL(filePath: "/bin/sh")
        process.currentDirectoryURL = folder
        process.standardError = FileHandle.nullDevice
        let make = "openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
        process.arguments = [
            "-ec",
            """
            \(make) -x509 -days 90 -subj /CN=authority -keyout authority.key -out authority.pem
            \(make) -x509 -days 90 -subj /CN=strange -keyout other.pem -out strange.pem
            \(make) -subj /CN=live.test -keyout key.pem -out request.pem
            echo subjectAltName=DNS:live.test,IP:192.0.2.1 >names
            openssl x509 -req -days 30 -in request.pem -CA authority.pem -CAkey authority.key -CAcreateserial \\
                -extfile names -out chain.pem
            cat chain.pem strange.pem >mixed.pem
            """,
        ]
        try process.run()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        return folder
    }
}
