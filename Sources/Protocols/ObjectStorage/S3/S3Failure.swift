// SPDX-License-Identifier: Apache-2.0

import Objects

/// What S3 means by a status and the code in its body ("Error responses" of the S3 API reference).
enum S3Failure {
    /// Why an operation failed.
    static func reason(_ answer: OutboundAnswer, of operation: ObjectOperation) -> StoreFailure {
        let code = code(answer)
        if let known = known[code] { return known }
        return switch answer.status {
        case 404: .notFound
        case 412: .conditionFailed
        // A delete or another conditional write of the same key is under way; the store wants the whole request again.
        case 409 where code == "ConditionalRequestConflict": .serverFailed(409)
        case 401: .wrongCredentials(code)
        case 403: .forbidden(code)
        default: StatusFailure.reason(answer, code: code)
        }
    }

    /// The content of `Code` in an error's body; empty for an answer without, as to HEAD.
    static func code(_ answer: OutboundAnswer) -> String {
        var reader = XMLReader(answer.body)
        while let event = try? reader.next() {
            if case .end("Code", let text) = event, reader.path == ["Error"] { return String(text.prefix(64)) }
        }
        return ""
    }

    private static let known: [String: StoreFailure] = [
        "NoSuchKey": .notFound, "NoSuchBucket": .noBucket, "PreconditionFailed": .conditionFailed,
        "SignatureDoesNotMatch": .wrongCredentials("SignatureDoesNotMatch"),
        "InvalidAccessKeyId": .wrongCredentials("InvalidAccessKeyId"),
        "ExpiredToken": .wrongCredentials("ExpiredToken"), "RequestTimeTooSkewed": .clockSkew,
        "SlowDown": .throttled(retryAfter: nil), "RequestTimeout": .timedOut, "BadDigest": .corrupted,
        "XAmzContentSHA256Mismatch": .corrupted, "XAmzContentChecksumMismatch": .corrupted, "QuotaExceeded": .full,
        "XMinioStorageFull": .full, "InsufficientStorage": .full,
    ]
}

/// What a status means that no store explains further.
enum StatusFailure {
    static func reason(_ answer: OutboundAnswer, code: String) -> StoreFailure {
        switch answer.status {
        case 408: .timedOut
        case 429, 503: .throttled(retryAfter: answer.headers["retry-after"].flatMap(UInt32.init).map { .seconds($0) })
        case 507: .full
        case 500...: .serverFailed(answer.status)
        default: .refused(answer.status, code)
        }
    }
}
