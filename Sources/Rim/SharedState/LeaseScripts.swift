// SPDX-License-Identifier: Apache-2.0

import Cluster
import Identity

/// The scripts of leases, and the keys that they touch.
///
/// Each stream has two keys: the highest term that was ever granted, and, for as long as somebody renews it, the holder of
/// that term. Terms are texts of 24 hexadecimal digits, which compare as terms do: Lua's numbers have 53 bits.
struct LeaseScripts {
    private let prefix: String
    private let holder: NodeID
    private let life: String
    private let memory: String

    /// - Parameter cluster: the cluster's name.
    init(_ settings: RedisSettings, cluster: String, holder: NodeID) {
        prefix = settings.prefix + cluster
        self.holder = holder
        life = "\(settings.leaseLife.wholeMilliseconds)"
        memory = "\(settings.termMemory.wholeMilliseconds)"
    }

    /// Claims a term, or renews it: both are granted where the term is not below the highest known, nor another's.
    ///
    /// A claim proposes a term above all that its node knows, and says by `known` which that was: a living lease that it
    /// does not know is not taken over. A renewal knows its own term. A server that lost its memory grants both, and since
    /// the proposal is the node's, terms never fall.
    func hold(_ stream: StreamID, _ term: Term, knowing known: Term?) -> ScriptCall {
        ScriptCall(
            script: Self.hold, keys: keys(of: stream),
            arguments: [holder.description, term.digits, known?.digits ?? "", life, memory])
    }

    /// Gives a lease back. The term stays known.
    func release(_ stream: StreamID, _ term: Term) -> ScriptCall {
        ScriptCall(script: Self.release, keys: keys(of: stream), arguments: [holder.description, term.digits])
    }

    /// What an answer to `hold` says.
    static func answer(_ reply: RedisReply) throws(RedisFailure) -> LeaseAnswer {
        guard let texts = reply.texts else { throw .unexpected("a claim") }
        if texts.isEmpty { return .granted }
        guard texts.count == 2, let highest = Term(digits: texts[0]) else { throw .unexpected("a claim") }
        return .refused(highest: highest, holder: NodeID(parsing: texts[1]))
    }

    /// The braces keep the two keys of a stream together on servers that divide keys among them.
    private func keys(of stream: StreamID) -> [String] {
        ["\(prefix):lease:{\(stream)}", "\(prefix):term:{\(stream)}"]
    }

    // KEYS: the lease, the term. ARGV: who asks, the term, the highest that it knew before, and how long, in milliseconds,
    // the lease and the term last.
    private static let hold = LuaScript(
        """
        local holder, highest = redis.call('GET', KEYS[1]), redis.call('GET', KEYS[2])
        if highest then
          local is_taken = holder and holder ~= ARGV[1]
          if highest > ARGV[2] or is_taken and (highest == ARGV[2] or highest > ARGV[3]) then
            return {highest, holder or ''}
          end
        end
        redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[4])
        redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[5])
        return {}
        """)

    // KEYS: the lease, the term. ARGV: who asks, its term.
    private static let release = LuaScript(
        """
        if redis.call('GET', KEYS[1]) == ARGV[1] and redis.call('GET', KEYS[2]) == ARGV[2] then
          return redis.call('DEL', KEYS[1])
        end
        return 0
        """)
}

extension Term {
    /// 24 hexadecimal digits, which compare as the term does.
    fileprivate var digits: String { Self.padded(number, to: 16) + Self.padded(UInt64(salt), to: 8) }

    fileprivate init?(digits: String) {
        guard digits.utf8.count == 24, let number = UInt64(digits.prefix(16), radix: 16),
            let salt = UInt32(digits.dropFirst(16), radix: 16)
        else { return nil }
        self.init(number: number, salt: salt)
    }

    private static func padded(_ number: UInt64, to count: Int) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: count - digits.utf8.count) + digits
    }
}

extension Duration {
    /// Milliseconds, rounded down.
    var wholeMilliseconds: Int64 { components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000 }
}
