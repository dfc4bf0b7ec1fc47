// SPDX-License-Identifier: Apache-2.0

import CHiredis

/// A server's answer, copied out of hiredis (RESP2).
enum RedisReply: Hashable, Sendable {
    /// Several answers in one.
    case list([RedisReply])
    /// Nothing.
    case none
    /// A whole number.
    case number(Int)
    /// A refusal.
    case refusal(String)
    /// A text or a status.
    case text(String)

    /// Copies a reply, which stays the caller's.
    init(_ reply: UnsafeMutablePointer<redisReply>) {
        switch reply.pointee.type {
        case REDIS_REPLY_ARRAY:
            let elements = UnsafeMutableBufferPointer(start: reply.pointee.element, count: reply.pointee.elements)
            self = .list(elements.map { $0.map { RedisReply($0) } ?? .none })
        case REDIS_REPLY_ERROR: self = .refusal(Self.text(of: reply))
        case REDIS_REPLY_INTEGER: self = .number(Int(reply.pointee.integer))
        case REDIS_REPLY_STATUS, REDIS_REPLY_STRING: self = .text(Self.text(of: reply))
        default: self = .none
        }
    }

    /// The texts of a list of them; nil for anything else.
    var texts: [String]? {
        guard case .list(let replies) = self else { return nil }
        let texts = replies.compactMap { if case .text(let text) = $0 { text } else { nil } }
        return texts.count == replies.count ? texts : nil
    }

    /// Whether a script was asked for by its hash, and is not there.
    var isMissingScript: Bool { if case .refusal(let words) = self { words.hasPrefix("NOSCRIPT") } else { false } }

    private static func text(of reply: UnsafeMutablePointer<redisReply>) -> String {
        let bytes = UnsafeRawBufferPointer(start: reply.pointee.str, count: reply.pointee.len)
        return String(decoding: bytes, as: UTF8.self)
    }
}
