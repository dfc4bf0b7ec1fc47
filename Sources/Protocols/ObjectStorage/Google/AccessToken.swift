// SPDX-License-Identifier: Apache-2.0

import Media
import Objects

/// A bearer token (RFC 6750) and how long it is used.
struct AccessToken: Hashable, Sendable {
    let text: String
    /// From then on a new one is asked for: a few minutes before the old one ends.
    private let renewal: WallTime

    /// Reads the answer of a token endpoint (RFC 6749 §5.1).
    init(_ answer: OutboundAnswer, now: WallTime) throws(StoreFailure) {
        let body = try? JSONValue(parsing: answer.body)
        guard answer.status == 200 else { throw Self.refusal(answer, body) }
        guard let body, let text = body["access_token"]?.text, !text.isEmpty, let life = body["expires_in"]?.integer,
            text.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
        else { throw .malformed("token") }
        self.text = text
        let usable = Int64(clamping: min(life, 86_400)) - Self.margin
        renewal = now.advanced(by: .seconds(max(0, usable)))
    }

    /// Whether it is still good to be used.
    func isFresh(now: WallTime) -> Bool { now < renewal }

    private static func refusal(_ answer: OutboundAnswer, _ body: JSONValue?) -> StoreFailure {
        guard (400..<500).contains(answer.status), answer.status != 408, answer.status != 429 else {
            return StatusFailure.reason(answer, code: "")
        }
        return .wrongCredentials(String((body?["error"]?.text ?? "").prefix(64)))
    }

    /// How long before its end a token is not used any more, in seconds.
    private static let margin: Int64 = 300
}
