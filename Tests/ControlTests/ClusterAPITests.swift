// SPDX-License-Identifier: Apache-2.0

import Access
import Cluster
import Control
import Identity
import NodeKit
import TestKit
import Testing

@Suite("The API of the cluster")
struct ClusterAPITests {
    private static let reads = [
        "/api/v1/cluster", "/api/v1/cluster/members", "/api/v1/cluster/streams", "/api/v1/cluster/streams/stage",
        "/api/v1/cluster/ranking/stage", "/api/v1/cluster/events",
    ]
    private static let secret = String(repeating: "ab", count: 32)

    @Test("sums up, and says what somebody should look at")
    func summary() async throws {
        let answer = try await DeskSite().ask("/api/v1/cluster")
        #expect(try answer.value("node") == "router-eu-1")
        #expect(try answer.value("members", "alive") == "12")
        #expect(try answer.value("members", "draining") == "1")
        #expect(try answer.value("streams", "live") == "2")
        #expect(try answer.value("viewers") == "2010")
        #expect(try answer.value("health") == "degraded")
        let problems = ["origin-eu-3 is dead", "edge-eu-2 does not answer", "1 stream has no standby"]
        for (index, problem) in problems.enumerated() { #expect(try answer.value("problems", index) == problem) }
        #expect(try answer.value("problems", problems.count) == "missing")
        #expect(try answer.value("regions", 0, "name") == "eu")
        #expect(try answer.value("regions", 0, "load").hasPrefix("0.52"))
        #expect(try answer.value("regions", 1, "load") == "0.33")
    }

    @Test("says so in a sentence when many are gone, and when their streams are")
    func manyProblems() async throws {
        let sentences = [
            "", "router-us-1 is dead", "router-us-1 and shield-us-1 are dead",
            "edge-us-2, router-us-1 and shield-us-1 are dead", "edge-us-1, edge-us-2, router-us-1 and 1 more are dead",
        ]
        for (count, sentence) in sentences.enumerated().dropFirst() {
            var members = FakeDesk.members
            for index in members.indices { members[index].health = index < members.count - count ? .alive : .dead }
            let answer = try await DeskSite(FakeDesk(members: members)).ask("/api/v1/cluster")
            #expect(try answer.value("problems", 0) == sentence)
        }
        let us = FakeDesk.members.filter { $0.description.region == FakeDesk.us || $0.description.roles == .router }
        var gone = us
        for index in gone.indices where gone[index].description.roles == .origin { gone[index].health = .left }
        var entries = FakeDesk.entries
        entries[2].state = .live
        let answer = try await DeskSite(FakeDesk(members: gone, entries: entries)).ask("/api/v1/cluster")
        let problems = [
            "no origin of this region takes publishers", "no edge of this region takes viewers",
            "1 stream has lost its gateway",
        ]
        for (index, problem) in problems.enumerated() { #expect(try answer.value("problems", index) == problem) }
    }

    @Test("lists members with their load, where they report it")
    func members() async throws {
        let answer = try await DeskSite().ask("/api/v1/cluster/members")
        #expect(try answer.value("total") == "14")
        #expect(try answer.value("members", 0, "name") == "edge-eu-1")
        #expect(try answer.value("members", 0, "load", "share") == "0.6")
        #expect(try answer.value("members", 0, "load", "viewers") == "1210")
        #expect(try answer.value("members", 2, "load") == "null")
        #expect(try answer.value("members", 1, "health") == "suspect")
        #expect(answer.text.ranges(of: #""own":true"#).count == 1)
    }

    @Test("lists streams of all regions with their viewers")
    func streams() async throws {
        let answer = try await DeskSite().ask("/api/v1/cluster/streams")
        #expect(try answer.value("total") == "3")
        #expect(try answer.value("streams", 1, "streamKey") == "stage")
        #expect(try answer.value("streams", 1, "viewers") == "2000")
        #expect(try answer.value("streams", 1, "edges") == "2")
        #expect(try answer.value("streams", 0, "standby") == "null")
        #expect(try answer.value("streams", 2, "state") == "absent")
    }

    @Test("shows a stream's entry, ranking and tree")
    func stream() async throws {
        let site = try DeskSite()
        let answer = try await site.ask("/api/v1/cluster/streams/live%2Fstage")
        #expect(try answer.value("stream", "gateway") == "origin-eu-1")
        #expect(answer.text.ranges(of: #""warm":true"#).count == 1)
        #expect(try answer.value("tree", 3, "parent") == "shield-eu-1")
        #expect(try answer.value("tree", 3, "viewers") == "1200")
        #expect(try answer.value("tree", 5, "health") == "null")
        let far = try await site.ask("/api/v1/cluster/streams/show%2Fone")
        #expect(try far.value("stream", "id") == "show/one")
        for key in ["nothing", "..", "vip%2F", "%00", "%ff"] {
            #expect(try await site.ask("/api/v1/cluster/streams/\(key)").sentence == "stream not found")
        }
    }

    @Test("ranks nodes for any stream, live or not, and for nothing that is no stream")
    func ranking() async throws {
        let site = try DeskSite()
        let answer = try await site.ask("/api/v1/cluster/ranking/nobody%2Fyet")
        #expect(try answer.value("streamKey") == "nobody/yet")
        #expect(try answer.value("ranking", 0, "place") == "1")
        #expect(try answer.value("ranking", 1, "health") == "suspect")
        for key in ["..", "vip%2F", "%00", "%ff", "api%2Fx"] {
            #expect(try await site.ask("/api/v1/cluster/ranking/\(key)").status == 400, "\(key)")
        }
    }

    @Test("tells what came after a number, and waits for it where asked to")
    func events() async throws {
        let site = try DeskSite()
        let path = "/api/v1/cluster/events"
        #expect(try await site.ask(path).value("newest") == "0")
        site.desk.note(.member(FakeDesk.name("edge-eu-1"), .alive, isDraining: true))
        site.desk.note(.stream(FakeDesk.stream("live/stage"), .live, gateway: FakeDesk.name("origin-eu-1")))
        let all = try await site.ask(path)
        #expect(try all.value("events", 0, "state") == "draining")
        #expect(try all.value("events", 1, "gateway") == "origin-eu-1")
        #expect(try all.value("newest") == "2")
        #expect(try await site.ask("\(path)?after=1").value("events", 0, "number") == "2")
        #expect(try await site.ask("\(path)?after=2").value("events", 0) == "missing")
        async let waited = site.ask("\(path)?after=2&wait=20")
        site.desk.note(.member(FakeDesk.name("edge-us-1"), .left, isDraining: false))
        #expect(try await waited.value("events", 0, "subject") == "edge-us-1")
        for query in ["after=-1", "after=x", "wait=21", "wait=-1", "wait=soon"] {
            #expect(try await site.ask("\(path)?\(query)").status == 400, "\(query)")
        }
    }

    @Test("drains a node that is there")
    func drain() async throws {
        let site = try DeskSite()
        let bodies = [("", "60"), ("{}", "60"), (#"{"deadline": 5}"#, "5"), (#"{"deadline": 0}"#, "0")]
        for (body, seconds) in bodies {
            let answer = try await site.ask("/api/v1/cluster/nodes/origin-us-1/drain", method: "POST", body: body)
            #expect(answer.status == 202)
            #expect(try answer.value("deadline") == seconds)
        }
        #expect(site.desk.orders == bodies.map { "drain origin-us-1 \($0.1).0 seconds" })
    }

    @Test(
        "drains no node that is not there",
        arguments: [("origin-eu-3", 409), ("edge-eu-2", 504), ("edge-9", 404), ("Edge%201", 404), ("%ff", 404)])
    func undrainable(name: String, status: Int) async throws {
        let answer = try await DeskSite().ask("/api/v1/cluster/nodes/\(name)/drain", method: "POST")
        #expect(answer.status == status && answer.sentence?.isEmpty == false)
    }

    @Test(
        "refuses deadlines that it does not understand",
        arguments: ["{", "[]", #"{"deadline": "60s"}"#, #"{"deadline": -1}"#, #"{"deadline": 86401}"#])
    func badDeadlines(body: String) async throws {
        let site = try DeskSite()
        let answer = try await site.ask("/api/v1/cluster/nodes/origin-us-1/drain", method: "POST", body: body)
        #expect(answer.status == 400 && answer.sentence != nil && site.desk.orders.isEmpty)
    }

    @Test("changes keys, and never says one")
    func keys() async throws {
        let site = try DeskSite()
        let install = try await site.ask(
            "/api/v1/cluster/keys", method: "POST", body: #"{"verb": "install", "secret": "\#(Self.secret)"}"#)
        #expect(try install.value("key") == "12345678")
        let use = try await site.ask(
            "/api/v1/cluster/keys", method: "POST", body: #"{"verb": "use", "key": "FFFFFFFF"}"#)
        #expect(try use.value("key") == "ffffffff")
        let list = try await site.ask("/api/v1/cluster/keys")
        #expect(try list.value("keys", 0, "key") == "0000000a")
        #expect(site.desk.orders == ["install(redacted)", "use(4294967295)"])
        #expect(!install.text.contains(Self.secret))
    }

    @Test(
        "refuses changes of keys",
        arguments: [
            ("", 400), ("{", 400), ("{}", 400), (#"{"verb": "drop", "key": "0000000a"}"#, 400),
            (#"{"verb": "use"}"#, 400), (#"{"verb": "use", "key": "a"}"#, 400), (#"{"verb": "use", "key": 10}"#, 400),
            (#"{"verb": "use", "key": "+000000a"}"#, 400), (#"{"verb": "install", "key": "0000000a"}"#, 400),
            (#"{"verb": "install", "secret": "hunter-two"}"#, 400), (#"{"verb": "use", "key": "00000001"}"#, 404),
            (#"{"verb": "remove", "key": "0000000a"}"#, 409),
        ])
    func badKeys(body: String, status: Int) async throws {
        let site = try DeskSite()
        let answer = try await site.ask("/api/v1/cluster/keys", method: "POST", body: body)
        #expect(answer.status == status && answer.sentence?.isEmpty == false && site.desk.orders.isEmpty)
        #expect(!answer.text.contains("hunter-two"))
    }

    @Test("takes keys from its own machine or over TLS")
    func farKeys() async throws {
        let site = try DeskSite()
        let body = #"{"verb": "install", "secret": "\#(Self.secret)"}"#
        for (isTLS, status) in [(false, 403), (true, 200)] {
            let answer = try await site.ask(
                "/api/v1/cluster/keys", method: "POST", body: body, token: site.token(.admin), isFar: true,
                isTLS: isTLS)
            #expect(answer.status == status)
        }
    }

    @Test("refuses bodies that are too long", arguments: ["keys", "nodes/origin-us-1/drain"])
    func long(path: String) async throws {
        let body = #"{"verb": "\#(String(repeating: "a", count: 5000))"}"#
        #expect(try await DeskSite().ask("/api/v1/cluster/\(path)", method: "POST", body: body).status == 413)
    }

    @Test("lets each role do what it may", arguments: ControlRole.allCases)
    func roles(role: ControlRole) async throws {
        let site = try DeskSite()
        let token = site.token(role)
        for path in Self.reads {
            #expect(try await site.ask(path, token: token, isFar: true).status == 200, "\(path)")
            #expect(try await site.ask(path, isFar: true).status == 401, "\(path)")
        }
        let isAdmin = role == .admin
        let drain = try await site.ask(
            "/api/v1/cluster/nodes/origin-us-1/drain", method: "POST", token: token, isFar: true)
        #expect(drain.status == (isAdmin ? 202 : 403))
        #expect(try await site.ask("/api/v1/cluster/keys", token: token).status == (isAdmin ? 200 : 403))
        let change = try await site.ask(
            "/api/v1/cluster/keys", method: "POST", body: #"{"verb": "use", "key": "ffffffff"}"#, token: token)
        #expect(change.status == (isAdmin ? 200 : 403))
    }

    @Test("says what the document says", arguments: APIDocument.clusterOperations)
    func document(operation: String) async throws {
        let site = try DeskSite()
        site.desk.note(.member(FakeDesk.name("edge-us-1"), .left, isDraining: false))
        let parts = operation.split(separator: " ").map(String.init)
        let path = parts[1].replacing("{key}", with: "stage").replacing("{name}", with: "origin-us-1")
        let body = operation.hasPrefix("POST /api/v1/cluster/keys") ? #"{"verb": "use", "key": "ffffffff"}"# : ""
        let answer = try await site.ask(path, method: parts[0], body: body)
        #expect(answer.status == (path.hasSuffix("drain") ? 202 : 200))
        try APIDocument.check(answer.status, answer.type, answer.body, of: operation)
    }
}

@Suite("A node without a cluster")
struct LoneNodeTests {
    @Test("answers for itself alone")
    func itself() async throws {
        try await TestNode.run { node in
            let publisher = try await node.publisher()
            try await publisher.publish(.seconds(3))
            try await eventually("it is live") { try await node.playlist().segments.count >= 2 }
            let members = try await node.ask("/api/v1/cluster/members").text
            #expect(members.contains(#""total":1"#) && members.contains(#""own":true"#))
            let streams = try await node.ask("/api/v1/cluster/streams").text
            #expect(streams.contains(#""id":"live/demo""#) && streams.contains(#""state":"live""#))
            let tree = try await node.ask("/api/v1/cluster/streams/demo").text
            #expect(tree.contains(#""part":"gateway""#))
            let cluster = try await node.ask("/api/v1/cluster").text
            #expect(cluster.contains(#""clustered":false"#) && cluster.contains(#""problems":[]"#))
        }
    }

    @Test("has nobody to drain to, and no keys", arguments: ["nodes/x/drain", "nodes/X%20Y/drain", "keys"])
    func alone(path: String) async throws {
        let answer = try await DeskSite().ask(
            "/api/v1/cluster/\(path)", method: "POST",
            body: path == "keys" ? #"{"verb": "use", "key": "0000000a"}"# : "", isAlone: true)
        #expect(answer.status == 409 && answer.sentence?.hasPrefix("this node is in no cluster") == true)
    }

    @Test("has a name in the answers even where its machine has none")
    func nameless() async throws {
        let answer = try await DeskSite().ask("/api/v1/cluster", isAlone: true)
        #expect(try answer.value("node") == "local")
        #expect(try answer.value("problems", 0) == "no origin of this region takes publishers")
    }
}
