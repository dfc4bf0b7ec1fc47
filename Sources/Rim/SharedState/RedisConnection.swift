// SPDX-License-Identifier: Apache-2.0

import CHiredis
import Glibc

/// One connection to a Redis server. It blocks its thread, for each answer at most for the timeout it was made with.
struct RedisConnection: ~Copyable {
    private let context: UnsafeMutablePointer<redisContext>

    /// Connects. Names are looked up by the machine's resolver, which has a time limit of its own.
    init(to server: RedisServer, timeout: Duration) throws(RedisFailure) {
        let limit = timeval(timeout)
        guard let context = redisConnectWithTimeout(server.host, Int32(server.port), limit) else {
            throw .unreachable("no memory")
        }
        guard context.pointee.err == 0 else {
            defer { redisFree(context) }
            throw .unreachable("\(server): \(String(cString: millrace_redis_error(context)))")
        }
        redisSetTimeout(context, limit)
        redisEnableKeepAlive(context)
        self.context = context
    }

    deinit { redisFree(context) }

    /// Sends all commands at once and waits for all answers, which come in the same order. After a failure the connection
    /// is of no more use.
    func run(_ commands: [[String]]) throws(RedisFailure) -> [RedisReply] {
        for command in commands { try append(command) }
        var replies: [RedisReply] = []
        replies.reserveCapacity(commands.count)
        for _ in commands { replies.append(try next()) }
        return replies
    }

    /// Runs one command; a refusal is a failure.
    @discardableResult
    func run(_ command: String...) throws(RedisFailure) -> RedisReply {
        let reply = try run([command])[0]
        if case .refusal(let words) = reply { throw .refused(words) }
        return reply
    }

    private func append(_ command: [String]) throws(RedisFailure) {
        // One buffer for all arguments, as hiredis wants a pointer to each.
        var bytes: [UInt8] = []
        for argument in command { bytes.append(contentsOf: argument.utf8) }
        let lengths = command.map(\.utf8.count)
        let result = bytes.withUnsafeBytes { buffer in
            let base = buffer.baseAddress?.assumingMemoryBound(to: CChar.self)
            var offset = 0
            var arguments = lengths.map { length in
                defer { offset += length }
                return base.map { $0 + offset }
            }
            return redisAppendCommandArgv(context, Int32(lengths.count), &arguments, lengths)
        }
        guard result == REDIS_OK else { throw lost }
    }

    private func next() throws(RedisFailure) -> RedisReply {
        var raw: UnsafeMutableRawPointer?
        guard redisGetReply(context, &raw) == REDIS_OK, let raw else { throw lost }
        defer { freeReplyObject(raw) }
        return RedisReply(raw.assumingMemoryBound(to: redisReply.self))
    }

    private var lost: RedisFailure { .lost(String(cString: millrace_redis_error(context))) }
}

extension timeval {
    fileprivate init(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        self.init(tv_sec: Int(seconds), tv_usec: Int(attoseconds / 1_000_000_000_000))
    }
}
