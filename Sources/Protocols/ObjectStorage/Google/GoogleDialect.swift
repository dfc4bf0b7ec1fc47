// SPDX-License-Identifier: Apache-2.0

import Bytes
public import Media
public import Objects
import Signing

/// Speaks to Google Cloud Storage by its JSON API, version 1, as a service account.
///
/// Versions are generations. Objects are written in one multipart request, whose first part says how they are served and
/// what their MD5 is.
public struct GoogleDialect: StoreDialect {
    private let endpoint: String
    private let bucket: String
    private let account: ServiceAccount
    private var token: AccessToken?

    /// A dialect for a bucket; `endpoint` is scheme, host and port without a slash behind it.
    public init(bucket: String, account: ServiceAccount, endpoint: String = "https://storage.googleapis.com") {
        self.bucket = bucket
        self.account = account
        self.endpoint = endpoint
    }

    /// Asks for a token where there is none, or one that ends within minutes.
    public func credentialRequest(now: WallTime) -> OutboundRequest? {
        if let token, token.isFresh(now: now) { return nil }
        return account.tokenRequest(scope: Self.scope, now: now)
    }

    /// Keeps the token until shortly before its end.
    public mutating func receiveCredentials(_ answer: OutboundAnswer, now: WallTime) throws(StoreFailure) {
        token = try AccessToken(answer, now: now)
    }

    /// Forgets the token: it was revoked before its end.
    public mutating func forgetCredentials() { token = nil }

    /// The request for an operation, with the token.
    public func request(for operation: ObjectOperation, now: WallTime) -> OutboundRequest {
        var request = bare(operation)
        request.headers.append(OutboundHeader("Authorization", "Bearer \(token?.text ?? "")"))
        return request
    }

    /// What the answer to an operation's request says.
    public func outcome(
        of operation: ObjectOperation, answer: OutboundAnswer
    ) throws(StoreFailure) -> ObjectOutcome {
        if case .delete = operation, answer.status == 404 { return .removed }
        guard (200..<300).contains(answer.status) else { throw Self.reason(answer, of: operation) }
        switch operation {
        case .get(_, let range):
            let bytes = try AnswerBytes.taken(range, of: answer)
            if answer.status == 200, range == nil { try GoogleHash.compare(bytes, answer) }
            let version = answer.headers["x-goog-generation"].map(ObjectVersion.init)
            return .content(StoredContent(bytes: bytes, version: version))
        case .delete: return .removed
        case .put: return .written(try Self.read(answer)["generation"]?.text.map(ObjectVersion.init))
        case .head:
            let body = try Self.read(answer)
            guard let size = body["size"]?.integer else { throw .malformed("size") }
            let version = body["generation"]?.text.map(ObjectVersion.init)
            return .found(ObjectDescription(size: .bytes(Int(clamping: size)), version: version))
        case .list(let prefix, _, _): return .page(Self.page(try Self.read(answer), prefix: prefix))
        }
    }

    private func bare(_ operation: ObjectOperation) -> OutboundRequest {
        var query = QueryText()
        switch operation {
        case .put(let key, let content, let condition):
            return GoogleUpload(key, content, condition).request(to: "\(endpoint)/upload/storage/v1/b/\(bucket)/o")
        case .get(let key, let range):
            query.add("alt", "media")
            let headers = range.map { [OutboundHeader("Range", $0.header)] } ?? []
            return OutboundRequest(method: "GET", url: url(of: key) + query.text, headers: headers)
        case .head(let key):
            query.add("fields", "size,generation")
            return OutboundRequest(method: "GET", url: url(of: key) + query.text)
        case .delete(let key): return OutboundRequest(method: "DELETE", url: url(of: key))
        case .list(let prefix, let mark, let limit):
            query.add("prefix", prefix)
            query.add("maxResults", "\(limit)")
            query.add("fields", "items(name,size),nextPageToken")
            if let mark { query.add("pageToken", mark.text) }
            return OutboundRequest(method: "GET", url: "\(endpoint)/storage/v1/b/\(bucket)/o" + query.text)
        }
    }

    private func url(of key: ObjectKey) -> String {
        "\(endpoint)/storage/v1/b/\(bucket)/o/\(PercentEncoding.component(key.description))"
    }

    private static func read(_ answer: OutboundAnswer) throws(StoreFailure) -> JSONValue {
        guard let value = try? JSONValue(parsing: answer.body), case .object = value else { throw .malformed("JSON") }
        return value
    }

    private static func page(_ body: JSONValue, prefix: String) -> ObjectPage {
        guard case .array(let items)? = body["items"] else { return ObjectPage(objects: [], next: nil) }
        let objects = items.compactMap { item -> ListedObject? in
            guard let name = item["name"]?.text, let size = item["size"]?.integer else { return nil }
            return ListedObject(name, Int(clamping: size), prefix: prefix)
        }
        return ObjectPage(objects: objects, next: body["nextPageToken"]?.text.map(PageMark.init))
    }

    /// A missing bucket and a missing object have one status; only the words of the former name the bucket.
    private static func reason(_ answer: OutboundAnswer, of operation: ObjectOperation) -> StoreFailure {
        let error = (try? JSONValue(parsing: answer.body))?["error"]
        let word = String((error?["message"]?.text ?? "").prefix(64))
        switch answer.status {
        case 404:
            if case .put = operation { return .noBucket }
            if case .list = operation { return .noBucket }
            return .notFound
        case 412: return .conditionFailed
        case 401: return .wrongCredentials(word)
        case 403: return .forbidden(word)
        default: return StatusFailure.reason(answer, code: word)
        }
    }

    private static let scope = "https://www.googleapis.com/auth/devstorage.read_write"
}
