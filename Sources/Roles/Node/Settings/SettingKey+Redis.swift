// SPDX-License-Identifier: Apache-2.0

import SharedState

extension SettingKey {
    static let redis = [
        SettingKey(
            "redis.url", \.redis.url, .optionalText("redis://host or redis://host:port"),
            "A Redis server that arbitrates terms between gateways and by which nodes find each other.",
            why:
                "a cluster needs no store; of two origins that can not hear each other, both of which Redis answers within a second, it lets one have a stream."
        ),
        SettingKey(
            "redis.sentinels", \.redis.sentinels,
            .list(of: "host, host:port or [address]:port") { RedisServer(parsing: $0, defaultPort: 26_379) != nil },
            "Sentinels that are asked where the server is, instead of redis.url.", why: "one server needs none."
        ),
        SettingKey(
            "redis.master", \.redis.master, .word("1 to 64 letters, digits, dots, - and _", longest: 64, and: ".-_"),
            "The name that the sentinels watch the server under.", why: "the name in Redis' own examples."
        ),
        SettingKey(
            "redis.username", \.redis.username, .optionalText("a user of Redis' access list"),
            "Who the node says it is.", why: "empty is the default user."
        ),
        SettingKey(
            "redis.password", \.redis.password, .secret(minimumLength: 1), "What the node proves that with.",
            why: "a server on loopback wants none."
        ),
        SettingKey(
            "redis.sentinel_username", \.redis.sentinelUsername, .optionalText("a user of the sentinels' access list"),
            "Who the node says it is to the sentinels.", why: "empty is their default user."
        ),
        SettingKey(
            "redis.sentinel_password", \.redis.sentinelPassword, .secret(minimumLength: 1),
            "What the node proves that with.", why: "sentinels want none until they are told to."
        ),
        SettingKey(
            "redis.database", \.redis.database, .integer(0...1023), "Which of the server's databases.",
            why: "the one that every server has."
        ),
        SettingKey(
            "redis.prefix", \.redis.prefix,
            .word("1 to 64 letters, digits, dots, :, - and _", longest: 64, and: ".:-_"),
            "What every key begins with; the cluster's name follows.", why: "says whose the keys are."
        ),
        SettingKey(
            "redis.timeout", \.redis.timeout, .duration(.milliseconds(50) ... .milliseconds(1000)),
            "How long to wait for a connection, and then for each answer.",
            why: "a lease lasts three seconds and is renewed every second, so two answers may be late."
        ),
    ]
}
