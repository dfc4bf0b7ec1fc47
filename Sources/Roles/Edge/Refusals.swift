// SPDX-License-Identifier: Apache-2.0

import HLS
import WebServer

/// The edge's refusals, rendered once.
enum Refusals {
    static let badRequest = of(status: 400, .never)
    static let forbidden = of(status: 403, .never)
    static let full = of(status: 503, .never, retryAfter: .seconds(5))
    static let notFound = of(status: 404, .brief)
    static let unauthorized = of(status: 401, .never)
    private static let unavailable = of(status: 503, .never, retryAfter: .seconds(1))

    /// The answer to a request that HLS refuses.
    static func of(_ refusal: Refusal) -> MediaAnswer {
        switch refusal {
        case .badRequest: badRequest
        case .notFound: notFound
        case .unavailable: unavailable
        }
    }

    private static func of(status: Int, _ policy: CachePolicy, retryAfter: Duration? = nil) -> MediaAnswer {
        MediaAnswer(AnswerHead(status: status, cacheControl: policy.headerText, retryAfter: retryAfter))
    }
}
