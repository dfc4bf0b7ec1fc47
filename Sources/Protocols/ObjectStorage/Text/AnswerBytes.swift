// SPDX-License-Identifier: Apache-2.0

import Bytes
import Objects

/// What the headers of an answer say of its bytes.
enum AnswerBytes {
    /// The bytes that were asked for, also of a server that ignored the range (RFC 9110 §14.2 lets it).
    static func taken(_ range: ObjectRange?, of answer: OutboundAnswer) throws(StoreFailure) -> [UInt8] {
        guard let range, answer.status != 206 else { return answer.body }
        guard range.first < UInt64(answer.body.count) else { throw .refused(416, "") }
        let last = min(range.last ?? .max, UInt64(answer.body.count) - 1)
        return Array(answer.body[Int(range.first)...Int(last)])
    }

    /// The object's length, in an answer to HEAD.
    static func length(_ answer: OutboundAnswer) throws(StoreFailure) -> ByteCount {
        guard let length = answer.headers["content-length"].flatMap(Int.init), length >= 0 else {
            throw .malformed("Content-Length")
        }
        return .bytes(length)
    }
}
