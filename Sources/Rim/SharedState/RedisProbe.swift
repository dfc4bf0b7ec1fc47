// SPDX-License-Identifier: Apache-2.0

/// One question to a server, over the way that a node goes.
public enum RedisProbe {
    /// What the server says that it is: `master`, `slave` or `sentinel`. Blocks its thread, for connecting and for each answer
    /// at most as long as the settings say.
    public static func role(_ settings: RedisSettings) throws(RedisFailure) -> String {
        var finder = RedisFinder(settings)
        let connection = try finder.connect()
        guard case .list(let role) = try connection.run("ROLE"), case .text(let name)? = role.first else {
            throw .unexpected("ROLE")
        }
        return name
    }
}
