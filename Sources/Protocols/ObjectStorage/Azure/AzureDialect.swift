// SPDX-License-Identifier: Apache-2.0

public import Media
public import Objects
import Signing

/// Speaks to Azure Blob Storage, version 2021-12-02 of its REST API. Objects are block blobs, written whole.
public struct AzureDialect: StoreDialect {
    private let settings: AzureSettings

    /// A dialect for a container.
    public init(_ settings: AzureSettings) { self.settings = settings }

    /// The request for an operation, signed.
    public func request(for operation: ObjectOperation, now: WallTime) -> OutboundRequest {
        var request = unsigned(operation)
        request.headers.append(OutboundHeader("x-ms-version", Self.version))
        switch settings.credential {
        case .sharedKey(let key): return SharedKeySigner(key).signed(request, now: now)
        case .sharedAccess(let query):
            request.url += (request.url.contains("?") ? "&" : "?") + query
            return request
        }
    }

    /// What the answer to an operation's request says.
    public func outcome(
        of operation: ObjectOperation, answer: OutboundAnswer
    ) throws(StoreFailure) -> ObjectOutcome {
        let code = Self.code(answer)
        if case .delete = operation, answer.status == 404, code != "ContainerNotFound" { return .removed }
        guard (200..<300).contains(answer.status) else { throw Self.reason(answer, code) }
        let version = answer.headers["etag"].map(ObjectVersion.init)
        switch operation {
        case .put: return .written(version)
        case .get(_, let range):
            let bytes = try AnswerBytes.taken(range, of: answer)
            if range == nil, let sum = answer.headers["content-md5"] {
                guard Base64.standard.text(Digest.md5.hash(bytes[...])) == sum else { throw .corrupted }
            }
            return .content(StoredContent(bytes: bytes, version: version))
        case .head: return .found(ObjectDescription(size: try AnswerBytes.length(answer), version: version))
        case .list(let prefix, _, _): return .page(try AzureListing(answer.body, prefix: prefix).page)
        case .delete: return .removed
        }
    }

    private func unsigned(_ operation: ObjectOperation) -> OutboundRequest {
        switch operation {
        case .put(let key, let content, let condition):
            return OutboundRequest(
                method: "PUT", url: url(of: key), headers: Self.headers(content, condition), body: content.bytes)
        case .get(let key, let range):
            // Of the two spellings of a range only this one is signed the same by all versions.
            let headers = range.map { [OutboundHeader("x-ms-range", $0.header)] } ?? []
            return OutboundRequest(method: "GET", url: url(of: key), headers: headers)
        case .head(let key): return OutboundRequest(method: "HEAD", url: url(of: key))
        case .delete(let key): return OutboundRequest(method: "DELETE", url: url(of: key))
        case .list(let prefix, let mark, let limit):
            var query = QueryText()
            query.add("restype", "container")
            query.add("comp", "list")
            query.add("prefix", prefix)
            query.add("maxresults", "\(limit)")
            if let mark { query.add("marker", mark.text) }
            return OutboundRequest(method: "GET", url: "\(settings.endpoint)/\(settings.container)" + query.text)
        }
    }

    private static func headers(_ content: ObjectContent, _ condition: ObjectCondition) -> [OutboundHeader] {
        var headers = [
            OutboundHeader("Content-Type", content.mediaType),
            OutboundHeader("Content-MD5", Base64.standard.text(Digest.md5.hash(content.bytes[...]))),
            OutboundHeader("x-ms-blob-type", "BlockBlob"),
        ]
        if let control = content.cacheControl { headers.append(OutboundHeader("x-ms-blob-cache-control", control)) }
        switch condition {
        case .none: break
        case .absent: headers.append(OutboundHeader("If-None-Match", "*"))
        case .matches(let version): headers.append(OutboundHeader("If-Match", version.description))
        }
        return headers
    }

    private func url(of key: ObjectKey) -> String {
        "\(settings.endpoint)/\(settings.container)/\(PercentEncoding.path(key.description))"
    }

    /// The version that is asked for, in a header and in signatures.
    static let version = "2021-12-02"
}

extension AzureDialect {
    /// The error's code, which stands in a header, and in the body where there is one.
    fileprivate static func code(_ answer: OutboundAnswer) -> String {
        answer.headers["x-ms-error-code"] ?? S3Failure.code(answer)
    }

    /// What Azure means by a status and its code ("Common REST API error codes").
    fileprivate static func reason(_ answer: OutboundAnswer, _ code: String) -> StoreFailure {
        switch (answer.status, code) {
        case (_, "ContainerNotFound"): .noBucket
        case (412, _), (_, "BlobAlreadyExists"): .conditionFailed
        case (404, _): .notFound
        case (_, "Md5Mismatch"): .corrupted
        case (401, _), (_, "AuthenticationFailed"), (_, "InvalidAuthenticationInfo"): .wrongCredentials(code)
        case (403, _): .forbidden(code)
        case (503, _): .throttled(retryAfter: nil)
        default: StatusFailure.reason(answer, code: code)
        }
    }
}
