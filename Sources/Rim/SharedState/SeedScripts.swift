// SPDX-License-Identifier: Apache-2.0

import Cluster
import Identity

/// The addresses of nodes, by region, for those that look for a member to join by.
struct SeedScripts {
    private let prefix: String
    private let life: String

    /// - Parameter cluster: the cluster's name.
    init(_ settings: RedisSettings, cluster: String) {
        prefix = settings.prefix + cluster
        life = "\(settings.seedLife.wholeMilliseconds)"
    }

    /// Writes that a node is at `endpoint`, for the settings' `seedLife`.
    func announce(_ endpoint: Endpoint, in region: Region) -> ScriptCall {
        ScriptCall(
            script: Self.announce, keys: [seeds(of: region), regions],
            arguments: [endpoint.description, region.description, life])
    }

    /// Asks which regions have nodes, the newest first.
    var findRegions: [String] { ["ZREVRANGE", regions, "0", "31"] }

    /// Asks where nodes of a region are, the newest first.
    func find(in region: Region) -> [String] { ["ZREVRANGE", seeds(of: region), "0", "15"] }

    private var regions: String { "\(prefix):regions" }

    private func seeds(of region: Region) -> String { "\(prefix):seeds:\(region)" }

    // KEYS: the region's seeds, the regions. ARGV: the address, the region, and how long both last in milliseconds. The time
    // is the server's, so that the nodes' clocks do not matter.
    private static let announce = LuaScript(
        """
        local time = redis.call('TIME')
        local now = time[1] * 1000 + math.floor(time[2] / 1000)
        for place, key in ipairs(KEYS) do
          redis.call('ZADD', key, now, ARGV[place])
          redis.call('ZREMRANGEBYSCORE', key, '-inf', '(' .. string.format('%d', now - ARGV[3]))
          redis.call('PEXPIRE', key, ARGV[3])
        end
        return 1
        """)
}
