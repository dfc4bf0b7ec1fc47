// SPDX-License-Identifier: Apache-2.0

import Transport

/// The way to the store: connects where there is no connection, and forgets one that failed. Confined to one thread at a
/// time.
struct RedisLink: ~Copyable {
    private var finder: RedisFinder
    private var connection: RedisConnection?
    private var backoff = Backoff()

    init(_ settings: RedisSettings) { finder = RedisFinder(settings) }

    /// Whether a call would only be told to wait.
    func isWaiting(now: Duration) -> Bool { connection == nil && !backoff.isOver(now: now) }

    /// The next call connects, whatever failed before.
    mutating func hurry() { backoff.reset() }

    /// What the server is asked.
    enum Question {
        /// All of these, at once.
        case commands([[String]])
        /// All of these, at once, by their hashes; those that the server does not know are sent behind them by their texts.
        case scripts([ScriptCall])
    }

    /// Asks, and answers in the same order. A refusal of anything is a failure of all.
    mutating func ask(_ question: Question) throws(RedisFailure) -> [RedisReply] {
        do throws(RedisFailure) {
            let open = try opened()
            let replies: [RedisReply]
            switch question {
            case .commands(let commands): replies = try open.run(commands)
            case .scripts(let calls): replies = try Self.run(calls, on: open)
            }
            for case .refusal(let words) in replies { throw .refused(words) }
            connection = consume open
            backoff.reset()
            return replies
        } catch {
            var random = SystemRandomNumberGenerator()
            backoff.failed(now: SystemClock.now(), using: &random)
            throw error
        }
    }

    private mutating func opened() throws(RedisFailure) -> RedisConnection {
        if let known = connection.take() { return known }
        return try finder.connect()
    }

    private static func run(
        _ calls: [ScriptCall], on connection: borrowing RedisConnection
    ) throws(RedisFailure) -> [RedisReply] {
        var replies = try connection.run(calls.map(\.byHash))
        let missing = replies.indices.filter { replies[$0].isMissingScript }
        guard !missing.isEmpty else { return replies }
        var sent: Set<LuaScript> = []
        let again = missing.map { sent.insert(calls[$0].script).inserted ? calls[$0].byText : calls[$0].byHash }
        for (place, reply) in zip(missing, try connection.run(again)) { replies[place] = reply }
        return replies
    }
}
