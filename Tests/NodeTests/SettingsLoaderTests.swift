// SPDX-License-Identifier: Apache-2.0

import Bytes
import Node
import Testing

@Suite("The settings loader")
struct SettingsLoaderTests {
    private func lines(_ fill: (inout SettingsLoader) -> Void) -> [String] {
        var loader = SettingsLoader()
        fill(&loader)
        do throws(SettingsFailure) {
            _ = try loader.load()
            return []
        } catch { return error.lines }
    }

    @Test("gives the defaults without any source")
    func defaults() throws { #expect(try SettingsLoader().load() == NodeSettings()) }

    @Test("lets flags win over the environment, that over the file")
    func precedence() throws {
        var loader = SettingsLoader()
        loader.add(file: "f.yml", text: "http:\n  port: 1001\n  max_head: 8KiB\nrtmp: {port: 1002}\nhls:\n")
        loader.add(environment: ["MILLRACE_HTTP_PORT": "2001", "MILLRACE_RTMP_PORT": "2002", "HOME": "/"])
        loader.add(flag: "http.port", "3001")
        loader.add(flag: "http.port", "3002")
        let settings = try loader.load()
        #expect(settings.http.port == 3002)
        #expect(settings.rtmp.port == 2002)
        #expect(settings.http.maximumHead == .kibibytes(8))
    }

    @Test("understands every type")
    func types() throws {
        var loader = SettingsLoader()
        loader.add(
            file: "f.yml",
            text: """
                access: {secret: 0123456789abcdef0123456789abcdef, trust_loopback: no, viewer_apps: [vip, club]}
                hls: {profile: low-latency, part: 250ms, segment: auto}
                log: {level: debug}
                http: {host: 127.0.0.1, tls: {certificate: /a.pem, key: "/b.pem"}}
                """
        )
        let settings = try loader.load()
        #expect(settings.access.secret?.revealed.count == 32)
        #expect(settings.access.trustLoopback == false)
        #expect(settings.access.viewerApps == ["vip", "club"])
        #expect(settings.hls.partTarget == .milliseconds(250))
        #expect(settings.hls.segmentTarget == .seconds(2))
        #expect(settings.log.level == .debug)
        #expect(settings.http.tls.certificate == "/a.pem" && settings.http.tls.key == "/b.pem")
    }

    @Test("reads lists from the environment with commas")
    func lists() throws {
        var loader = SettingsLoader()
        loader.add(environment: ["MILLRACE_ACCESS_VIEWER_APPS": "vip,club"])
        #expect(try loader.load().access.viewerApps == ["vip", "club"])
    }

    @Test("refuses unknown names, with the nearest known one and the line")
    func unknownNames() {
        #expect(
            lines { $0.add(file: "f.yml", text: "http:\n  prot: 1\nnonsense: 2\n") } == [
                "f.yml:2: unknown setting http.prot; did you mean http.port?", "f.yml:3: unknown setting nonsense",
            ]
        )
        #expect(
            lines { $0.add(environment: ["MILLRACE_HTTP_PROT": "1"]) }
                == ["environment: unknown setting MILLRACE_HTTP_PROT; did you mean MILLRACE_HTTP_PORT?"]
        )
        #expect(lines { $0.add(flag: "http", "1") }.count == 1)
        #expect(lines { $0.add(environment: ["MILLRACE_CONFIG": "x", "MILLRACE_TOKEN": "y"]) }.isEmpty)
    }

    @Test(
        "says what is wrong with the place of Redis",
        arguments: [
            (["redis.url": "rediss://h"], "speaks no TLS"),
            (["redis.url": "redis://u:p@h"], "belong into redis.username"),
            (["redis.url": "h:6379"], "is not redis://host"),
            (["redis.url": "redis://h/2"], "a database is redis.database"),
            (["redis.url": "redis://h", "redis.sentinels": "s"], "exclude each other"),
            (["redis.url": "redis://h", "redis.username": "u"], "needs redis.password"),
            (["redis.sentinels": "s", "redis.sentinel_username": "u"], "needs redis.sentinel_password"),
            (["redis.url": "redis://h", "redis.sentinel_password": "word"], "is for redis.sentinels"),
            (["redis.url": "redis://h", "cluster.key": ""], "need cluster.key"),
            (["redis.sentinels": "s:0"], "is not a list of host, host:port or [address]:port"),
            (["redis.url": "redis://h"], nil), (["redis.url": "redis://[::1]:7/"], nil),
            (["redis.sentinels": "s,t:1"], nil),
        ] as [([String: String], String?)])
    func redis(flags: [String: String], sentence: String?) throws {
        let wrong = lines { loader in
            loader.add(flag: "cluster.key", String(repeating: "ab", count: 32))
            for (key, value) in flags { loader.add(flag: key, value) }
        }
        guard let sentence else { return #expect(wrong.isEmpty) }
        #expect(wrong.count == 1 && wrong.first?.contains(sentence) ?? false, "\(wrong)")
        #expect(!wrong.joined().contains("u:p"), "a password is not shown")
    }

    @Test("refuses wrong values with key, value and what is allowed, all at once")
    func wrongValues() {
        let lines = lines {
            $0.add(file: "f.yml", text: "http:\n  port: 99999\nrtmp:\n  idle_timeout: 15\n  max_message: 1GiB\n")
            $0.add(environment: ["MILLRACE_HLS_PROFILE": "fast"])
            $0.add(flag: "publisher.max", "many")
        }
        #expect(lines.contains("f.yml:2: http.port: \"99999\" is not an integer 0...65535"))
        #expect(lines.contains("f.yml:4: rtmp.idle_timeout: \"15\" is not a duration 1s...10m (ms, s, m or h)"))
        #expect(lines.contains("f.yml:5: rtmp.max_message: \"1GiB\" is not a size 64KiB...16MiB (B, KiB, MiB or GiB)"))
        #expect(
            lines.contains(
                "environment MILLRACE_HLS_PROFILE: hls.profile: \"fast\" is not one of default, low-latency, apple"))
        #expect(lines.contains("flag: publisher.max: \"many\" is not an integer 1...100000"))
        #expect(lines.count == 5)
    }

    @Test(
        "refuses optional values of a wrong form",
        arguments: [
            ("hls.part", "3"), ("hls.segment", "1h"), ("page.hls_js_integrity", "md5-x"), ("access.secret", "short"),
        ]
    )
    func wrongOptionals(_ key: String, _ value: String) { #expect(lines { $0.add(flag: key, value) }.count == 1) }

    @Test("refuses a value of the wrong shape")
    func wrongShape() {
        #expect(
            lines { $0.add(file: "f.yml", text: "http:\n  port: [1]\n") }.first?.hasPrefix("f.yml:2: http.port") == true
        )
        #expect(lines { $0.add(file: "f.yml", text: "http: 5\n") }.count == 1)
        #expect(lines { $0.add(file: "f.yml", text: "http:\n  port: {a: 1}\n") }.count == 1)
        #expect(lines { $0.add(file: "f.yml", text: "- a\n") }.count == 1)
        #expect(lines { $0.add(file: "f.yml", text: "http: {port: 1, port: 2}\n") }.count == 1)
        #expect(lines { $0.add(file: "f.yml", text: "\tx: [") }.count == 1)
    }

    @Test("takes a file of comments only")
    func commentsOnly() throws {
        var loader = SettingsLoader()
        loader.add(file: "f.yml", text: "# nothing\n")
        #expect(try loader.load() == NodeSettings())
    }

    @Test("never shows a secret")
    func secrets() throws {
        let short = lines { $0.add(environment: ["MILLRACE_ACCESS_SECRET": "hunter2"]) }
        #expect(short.count == 1 && !short[0].contains("hunter2"))
        var settings = NodeSettings()
        settings.access.secret = SecretText("hunter2")
        settings.cdn.purgeURL = SecretText("https://cdn.example/purge?key=hunter2")
        var dumped = ""
        dump(settings, to: &dumped)
        #expect(!"\(settings) \(dumped)".contains("hunter2"))
        for key in SettingKey.all { #expect(!key.text(in: settings).contains("hunter2")) }
    }

    @Test(
        "refuses settings that contradict each other",
        arguments: [
            ["http.tls.key": "/k"], ["hls.part": "1s", "hls.segment": "1s"], ["access.publish_token_life": "25h"],
            ["http.port": "1935"],
            ["page.hls_js_integrity": "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="],
        ]
    )
    func contradictions(_ flags: [String: String]) {
        #expect(lines { loader in for (key, value) in flags { loader.add(flag: key, value) } }.count == 1)
    }
}

@Suite("A duration's setting text")
struct DurationSettingTextTests {
    @Test(
        "round-trips",
        arguments: [("500ms", 500), ("2s", 2000), ("90s", 90_000), ("1m", 60_000), ("24h", 86_400_000), ("0s", 0)]
    )
    func roundTrips(_ text: String, _ milliseconds: Int) {
        #expect(Duration(settingText: text) == .milliseconds(milliseconds))
        #expect(Duration.milliseconds(milliseconds).settingText == text)
    }

    @Test(
        "refuses what is not a number and a unit",
        arguments: ["", "5", "s", "-1s", "1.5s", "1 s", "1S", "99999999999999999h", "٣s"])
    func refuses(_ text: String) { #expect(Duration(settingText: text) == nil) }
}
