// SPDX-License-Identifier: Apache-2.0

import Identity
import NIOCore
import SharedState
import Telemetry

extension NodeSettings {
    /// The arbiter of terms; nil where there is no store.
    func arbiter(metrics: NodeMetrics, log: StormLog, on eventLoop: any EventLoop) throws -> LeaseArbiter? {
        guard let store = redisSettings else { return nil }
        let metrics = RedisMetrics(metrics.registry)
        let redis = RedisStore(store, cluster: cluster.name, holder: try nodeID(), metrics: metrics, log: log)
        return LeaseArbiter(
            redis, region: Region(parsing: node.region) ?? .local, metrics: metrics, log: log, on: eventLoop)
    }

    /// How the node speaks with Redis; nil where there is none.
    var redisSettings: RedisSettings? {
        let place: RedisPlace
        if let server = redis.server {
            place = .server(server)
        } else if !redis.sentinels.isEmpty {
            let sentinels = redis.sentinels.compactMap { RedisServer(parsing: $0, defaultPort: 26_379) }
            place = .sentinels(sentinels, master: redis.master)
        } else {
            return nil
        }
        var settings = RedisSettings(place)
        settings.user = redis.username
        settings.password = redis.password?.revealed
        settings.sentinelUser = redis.sentinelUsername
        settings.sentinelPassword = redis.sentinelPassword?.revealed
        settings.database = redis.database
        settings.prefix = redis.prefix
        settings.timeout = redis.timeout
        return settings
    }
}
