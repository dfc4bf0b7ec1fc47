// SPDX-License-Identifier: Apache-2.0

public import Media
public import Objects
import Signing

/// Signs requests by Azure's "Authorize with Shared Key", for versions from 2015-02-21 on.
public struct SharedKeySigner: Hashable, Sendable {
    private let key: AzureKey

    /// A signer for an account.
    public init(_ key: AzureKey) { self.key = key }

    /// The request with its date and its `Authorization`.
    public func signed(_ request: OutboundRequest, now: WallTime) -> OutboundRequest {
        var request = request
        request.headers.append(OutboundHeader("x-ms-date", now.httpDate))
        let signature = key.signature(of: stringToSign(request))
        request.headers.append(OutboundHeader("Authorization", "SharedKey \(key.account):\(signature)"))
        return request
    }

    private func stringToSign(_ request: OutboundRequest) -> String {
        let headers = Dictionary(
            request.headers.map { ($0.name.lowercased(), $0.value) }, uniquingKeysWith: { $1 })
        var lines = [request.method]
        for name in Self.standardHeaders {
            // An empty body has no length here, though the request says 0.
            let length = request.body.isEmpty ? "" : "\(request.body.count)"
            lines.append(name == "content-length" ? length : headers[name] ?? "")
        }
        let own = headers.filter { $0.key.hasPrefix("x-ms-") }.sorted { $0.key.bytes < $1.key.bytes }
        lines += own.map { "\($0.key):\($0.value)" }
        return (lines + resource(request.url)).joined(separator: "\n")
    }

    /// The account and the path as it is escaped, then the query's pairs, unescaped, a line each.
    private func resource(_ text: String) -> [String] {
        let url = RequestURL(text)
        let pairs = url.pairs.map { ($0.name.lowercased(), PercentEncoding.decoded($0.value)) }
            .sorted { $0.0.bytes < $1.0.bytes }
        return ["/\(key.account)\(url.path)"] + pairs.map { "\($0.0):\($0.1)" }
    }

    private static let standardHeaders = [
        "content-encoding", "content-language", "content-length", "content-md5", "content-type", "date",
        "if-modified-since", "if-match", "if-none-match", "if-unmodified-since", "range",
    ]
}
