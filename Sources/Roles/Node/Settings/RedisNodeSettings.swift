// SPDX-License-Identifier: Apache-2.0

import SharedState

/// `redis.…`: a store that arbitrates terms between gateways, and by which nodes find each other.
public struct RedisNodeSettings: Sendable, Equatable {
    /// The server's address as `redis://host[:port]`; nil for none.
    public var url: String?
    /// Sentinels that know the server, instead of an address.
    public var sentinels: [String] = []
    /// The name that the sentinels watch the server under.
    public var master = "mymaster"
    /// Who the node says it is; nil for the default user.
    public var username: String?
    /// What it proves that with.
    public var password: SecretText?
    /// Who the node says it is to the sentinels; nil for their default user.
    public var sentinelUsername: String?
    /// What it proves that with.
    public var sentinelPassword: SecretText?
    /// Which database.
    public var database = 0
    /// What all keys begin with.
    public var prefix = "millrace:"
    /// How long to wait for a connection, and for an answer.
    public var timeout = Duration.milliseconds(500)

    /// The defaults.
    public init() {}

    /// Whether there is a store.
    var isOn: Bool { url != nil || !sentinels.isEmpty }

    /// The server of `url`.
    var server: RedisServer? {
        guard let url, url.hasPrefix("redis://") else { return nil }
        let rest = url.dropFirst("redis://".count)
        return RedisServer(parsing: rest.hasSuffix("/") ? rest.dropLast() : rest, defaultPort: 6379)
    }

    /// What is wrong, each as a sentence.
    var contradictions: [String] {
        var found: [String] = []
        if let url {
            if url.hasPrefix("rediss://") {
                found.append(
                    "redis.url: this version speaks no TLS with Redis, so rediss:// is refused; use redis:// on a network of your own or through a tunnel"
                )
            } else if url.contains("@") {
                found.append(
                    "redis.url holds a user or a password; they belong into redis.username and redis.password")
            } else if server == nil {
                found.append(
                    "redis.url: \"\(url)\" is not redis://host or redis://host:port; a database is redis.database")
            }
            if !sentinels.isEmpty { found.append("redis.url and redis.sentinels exclude each other") }
        }
        if sentinelUsername != nil, sentinelPassword == nil {
            found.append("redis.sentinel_username needs redis.sentinel_password")
        }
        if sentinelPassword != nil, sentinels.isEmpty {
            found.append("redis.sentinel_password is for redis.sentinels; the server's own is redis.password")
        }
        if username != nil, password == nil { found.append("redis.username needs redis.password") }
        return found
    }
}
