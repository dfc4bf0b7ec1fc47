// SPDX-License-Identifier: Apache-2.0

/// Makes connections to the server that takes writes.
struct RedisFinder {
    private let settings: RedisSettings
    /// The sentinels, the one that answered last first.
    private var sentinels: [RedisServer]

    init(_ settings: RedisSettings) {
        self.settings = settings
        if case .sentinels(let sentinels, _) = settings.place { self.sentinels = sentinels } else { sentinels = [] }
    }

    /// A connection that is let in and has its database.
    mutating func connect() throws(RedisFailure) -> RedisConnection {
        switch settings.place {
        case .server(let server): return try open(server)
        case .sentinels(_, let master):
            let connection = try open(try find(master))
            // A sentinel may not know yet that the server is no master any more.
            guard case .list(let role) = try connection.run("ROLE"), role.first == .text("master") else {
                throw .noMaster(master)
            }
            return connection
        }
    }

    private func open(_ server: RedisServer) throws(RedisFailure) -> RedisConnection {
        let connection = try RedisConnection(to: server, timeout: settings.timeout)
        try logIn(settings.user, settings.password, on: connection)
        if settings.database != 0 { try connection.run("SELECT", "\(settings.database)") }
        return connection
    }

    private func logIn(
        _ user: String?, _ password: String?, on connection: borrowing RedisConnection
    ) throws(RedisFailure) {
        guard let password else { return }
        if let user { try connection.run("AUTH", user, password) } else { try connection.run("AUTH", password) }
    }

    /// Asks one sentinel after the other, as their protocol wants it of clients.
    private mutating func find(_ master: String) throws(RedisFailure) -> RedisServer {
        var failure = RedisFailure.noMaster(master)
        for (place, sentinel) in sentinels.enumerated() {
            do throws(RedisFailure) {
                let connection = try RedisConnection(to: sentinel, timeout: settings.timeout)
                try logIn(settings.sentinelUser, settings.sentinelPassword, on: connection)
                let reply = try connection.run("SENTINEL", "get-master-addr-by-name", master)
                guard let texts = reply.texts, texts.count == 2, let port = UInt16(texts[1]) else { continue }
                sentinels.swapAt(0, place)
                return RedisServer(host: texts[0], port: port)
            } catch {
                failure = error
            }
        }
        throw failure
    }
}
