// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Node
import Testing

@Suite("The command line")
struct CommandTests {
    @Test(
        "understands",
        arguments: [
            ["serve"],
            ["serve", "--demo", "--config", "millrace.yml", "--set", "hls.window=5", "--set", "http.host=::1"],
            ["serve", "--http-port", "8081", "--rtmp-port", "1936", "--profile", "apple", "--log-level", "debug"],
            ["token", "publish", "live/room", "--life", "30m"], ["token", "viewer", "room"],
            ["token", "control", "reader"],
            ["streams", "--json"], ["status", "--node", "http://[::1]:8080"],
            ["status", "--node", "https://edge.test"],
            ["status", "--node", "https://127.0.0.1:8443", "--cacert", "ca.pem"], ["doctor", "--json"],
            ["doctor", "--sysctl"],
            ["status", "--node", "https://127.0.0.1", "--insecure"], ["check-settings", "--reference"],
            ["version"], ["cluster"], ["cluster", "--json"], ["cluster", "members"], ["cluster", "streams", "--json"],
            ["cluster", "ranking", "vip/show"], ["cluster", "tree", "room"],
            ["cluster", "drain", "edge-1", "--deadline", "5m"], ["cluster", "events", "--follow"],
            ["cluster", "keys", "list"], ["cluster", "keys", "install", "-"], ["cluster", "keys", "use", "1a2b3c4d"],
            ["cluster", "keys", "remove", "1A2B3C4D"], ["steering"], ["steering", "list", "--json"],
            ["steering", "move", "CDN=30", "REGION.west=0", "--stream", "vip/show", "--for", "2h"],
            ["steering", "move", "EDGE=100"], ["steering", "stop"], ["steering", "stop", "--stream", "room"],
        ]
    )
    func understands(_ arguments: [String]) {
        #expect(throws: Never.self) { try MillraceCommand.parseAsRoot(arguments) }
    }

    @Test(
        "refuses",
        arguments: [
            ["server"], ["serve", "--set", "hls.window"], ["token", "publish", "live/../x"],
            ["token", "publish", "room", "--life", "3"], ["token", "control", "root"],
            ["status", "--node", "ftp://127.0.0.1"], ["status", "--insecure"], ["status", "--cacert", "ca.pem"],
            ["status", "--node", "https://127.0.0.1", "--insecure", "--cacert", "ca.pem"],
            ["status", "--node", "127.0.0.1:8080"],
            ["cluster", "ranking"], ["cluster", "ranking", ".."], ["cluster", "drain"],
            ["cluster", "drain", "Edge 1"], ["cluster", "drain", "edge-1", "--deadline", "5"],
            ["cluster", "keys", "use", "abc"], ["cluster", "keys", "use", "+a2b3c4d"], ["cluster", "keys", "install"],
            ["steering", "move"], ["steering", "move", "CDN"], ["steering", "move", "CDN=101"],
            ["steering", "move", "CDN=-1"], ["steering", "move", "CDN=60", "EDGE=41"], ["steering", "move", "a/b=1"],
            ["steering", "move", "CDN=1", "CDN=2"], ["steering", "move", "CDN=1=2"], ["steering", "move", "=1"],
            ["steering", "move", "CDN=1", "--stream", "../x"], ["steering", "move", "CDN=1", "--for", "0s"],
            ["steering", "stop", "room"],
        ]
    )
    func refuses(_ arguments: [String]) {
        #expect(throws: (any Error).self) { try MillraceCommand.parseAsRoot(arguments) }
    }

    @Test("explains every command")
    func explains() {
        let help = MillraceCommand.helpMessage()
        for name in [
            "serve", "token", "streams", "cluster", "steering", "status", "check-settings", "doctor", "version",
        ] {
            #expect(help.contains(name))
        }
    }
}

@Suite("Process limits")
struct ProcessLimitsTests {
    @Test("leave room for many connections and survive a second call")
    func prepare() { #expect(ProcessLimits.prepare() == ProcessLimits.prepare()) }

    @Test("keep a given address and find a usable one for ::")
    func listenAddress() {
        #expect(ProcessLimits.listenAddress(for: "127.0.0.1") == "127.0.0.1")
        #expect(["::", "0.0.0.0"].contains(ProcessLimits.listenAddress(for: "::")))
    }
}
