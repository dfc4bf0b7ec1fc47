// SPDX-License-Identifier: Apache-2.0

import Foundation
package import SharedState

/// A master, a replica and a sentinel that makes the replica the master when the first is silent for half a second.
package struct RedisSentinel: Sendable {
    /// The first master.
    package let master: RedisProcess
    /// The one that follows it.
    package let replica: RedisProcess
    private let sentinel: RedisProcess

    /// Starts the three, and waits until the sentinel knows the replica.
    /// - Parameter password: what the sentinel asks for; nil for nothing.
    package init(password: String? = nil) async throws {
        master = try await RedisProcess()
        replica = try await RedisProcess(["--replicaof", "127.0.0.1 \(master.port)"])
        let file = FileManager.default.temporaryDirectory.appending(path: "sentinel-\(master.port).conf")
        try """
        \(password.map { "requirepass \($0)" } ?? "")
        bind 127.0.0.1
        sentinel monitor streams 127.0.0.1 \(master.port) 1
        sentinel down-after-milliseconds streams 500
        sentinel failover-timeout streams 3000
        """.write(to: file, atomically: true, encoding: .utf8)
        sentinel = try await RedisProcess(sentinel: file.path, password: password)
        let deadline = ContinuousClock.now + .seconds(60)
        while try !sentinel.command("SENTINEL", "replicas", "streams").contains("\(replica.port)")
            || !replica.command("INFO", "replication").contains("master_link_status:up")
        {
            guard ContinuousClock.now < deadline else { throw NoRedis("the replica is not known") }
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    /// Where the master is found.
    package var place: RedisPlace {
        // The first of these is nobody: it is passed over.
        .sentinels([RedisServer(host: "127.0.0.1", port: 1), sentinel.server], master: "streams")
    }

    /// Ends all three.
    package func stop() {
        sentinel.kill()
        replica.kill()
        master.kill()
    }
}
