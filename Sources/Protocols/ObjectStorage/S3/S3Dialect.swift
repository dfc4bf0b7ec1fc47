// SPDX-License-Identifier: Apache-2.0

public import Media
public import Objects
import Signing

/// Speaks to Amazon S3, and to what speaks it: MinIO, Cloudflare R2, Ceph, SeaweedFS, and Google Cloud Storage by its XML
/// API with HMAC keys.
///
/// Written after the S3 API reference, 2006-03-01. Google's variant differs in the words of headers and has generations
/// where Amazon has ETags.
public struct S3Dialect: StoreDialect {
    private let settings: S3Settings
    private let signer: SigV4Signer
    private let words: S3Words

    /// A dialect for a bucket.
    public init(_ settings: S3Settings) {
        self.settings = settings
        signer = SigV4Signer(settings.scheme, sessionToken: settings.sessionToken)
        words = settings.scheme.prefix == "x-goog-" ? .google : .amazon
    }

    /// The signed request for an operation.
    public func request(for operation: ObjectOperation, now: WallTime) -> OutboundRequest {
        let request = unsigned(operation)
        let hash: [UInt8]
        if case .put(_, let content, _) = operation {
            hash = content.sha256 ?? Digest.sha256.hash(content.bytes[...])
        } else {
            hash = Digest.sha256.hash("")
        }
        return signer.signed(request, payload: settings.signsPayloads ? .hashed(hash) : .unsigned, now: now)
    }

    /// A URL with which anybody may read the object for `lifetime`, 7 days at most.
    public func readingURL(of key: ObjectKey, lifetime: Duration, now: WallTime) -> String {
        signer.presigned(OutboundRequest(method: "GET", url: url(of: key)), lifetime: lifetime, now: now)
    }

    /// What the answer to an operation's request says.
    public func outcome(
        of operation: ObjectOperation, answer: OutboundAnswer
    ) throws(StoreFailure) -> ObjectOutcome {
        if case .delete = operation, answer.status == 404, S3Failure.code(answer) != "NoSuchBucket" { return .removed }
        guard (200..<300).contains(answer.status) else { throw S3Failure.reason(answer, of: operation) }
        let version = answer.headers[words.version].map(ObjectVersion.init)
        switch operation {
        case .put: return .written(version)
        case .get(_, let range):
            let bytes = try AnswerBytes.taken(range, of: answer)
            try words.compareChecksum(bytes, answer)
            return .content(StoredContent(bytes: bytes, version: version))
        case .head: return .found(ObjectDescription(size: try AnswerBytes.length(answer), version: version))
        case .list(let prefix, _, _): return .page(try S3Listing(answer.body, prefix: prefix).page)
        case .delete: return .removed
        }
    }

    private func unsigned(_ operation: ObjectOperation) -> OutboundRequest {
        switch operation {
        case .put(let key, let content, let condition):
            var headers = [OutboundHeader("Content-Type", content.mediaType)]
            if let control = content.cacheControl { headers.append(OutboundHeader("Cache-Control", control)) }
            headers += words.conditions(condition) + [words.checksum(content)]
            return OutboundRequest(method: "PUT", url: url(of: key), headers: headers, body: content.bytes)
        case .get(let key, let range):
            let headers = range.map { [OutboundHeader("Range", $0.header)] } ?? words.checksumRequest
            return OutboundRequest(method: "GET", url: url(of: key), headers: headers)
        case .head(let key): return OutboundRequest(method: "HEAD", url: url(of: key))
        case .delete(let key): return OutboundRequest(method: "DELETE", url: url(of: key))
        case .list(let prefix, let mark, let limit):
            var query = QueryText()
            query.add("list-type", "2")
            query.add("max-keys", "\(limit)")
            query.add("prefix", prefix)
            if let mark { query.add("continuation-token", mark.text) }
            return OutboundRequest(method: "GET", url: bucketURL + "/" + query.text)
        }
    }

    private func url(of key: ObjectKey) -> String { bucketURL + "/" + PercentEncoding.path(key.description) }

    private var bucketURL: String {
        switch settings.addressing {
        case .path: return settings.endpoint + "/" + settings.bucket
        case .host:
            let url = RequestURL(settings.endpoint)
            return url.base.dropLast(url.host.count) + settings.bucket + "." + url.host
        }
    }
}
