// SPDX-License-Identifier: Apache-2.0

import HLS
import NIOCore
import WebServer

/// A router's answers; nobody may keep them, as each is one viewer's.
enum Answers {
    static let forbidden = of(status: 403)
    static let notFound = of(status: 404)
    /// No edge takes viewers now.
    static let nowhere = of(status: 503, retryAfter: .seconds(2))
    static let unauthorized = of(status: 401)

    static func playlist(_ text: [UInt8]) -> MediaAnswer {
        let head = AnswerHead(
            status: 200, contentType: "application/vnd.apple.mpegurl", cacheControl: CachePolicy.never.headerText)
        return MediaAnswer(head, body: [ByteBuffer(bytes: text)])
    }

    /// A steering manifest, which depends on who asks and when.
    static func steering(_ text: [UInt8]) -> MediaAnswer {
        let head = AnswerHead(
            status: 200, contentType: "application/json", cacheControl: CachePolicy.never.headerText)
        return MediaAnswer(head, body: [ByteBuffer(bytes: text)])
    }

    /// 302 to `path` at `base`, scheme and host without a slash at the end.
    static func redirect(to base: String, _ path: String) -> MediaAnswer {
        MediaAnswer(
            AnswerHead(
                status: 302, cacheControl: CachePolicy.never.headerText, extra: [("Location", base + path)]))
    }

    private static func of(status: Int, retryAfter: Duration? = nil) -> MediaAnswer {
        MediaAnswer(
            AnswerHead(status: status, cacheControl: CachePolicy.never.headerText, retryAfter: retryAfter))
    }
}
