// SPDX-License-Identifier: Apache-2.0

import Media
import ObjectStorage
import Objects

/// Answers of each kind of store to each operation: the first byte chooses the store and the operation, the second the
/// status, and what follows is the body.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzStoreAnswer(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    guard bytes.count > 2, let key = ObjectKey(parsing: "a/b") else { return 0 }
    let operations: [ObjectOperation] = [
        .list(prefix: "", after: nil, limit: 10), .get(key, range: nil),
        .get(key, range: ObjectRange(first: 3, last: 9)),
        .head(key), .delete(key), .put(key, ObjectContent([], mediaType: "a/b"), .none),
    ]
    let statuses = [200, 206, 400, 403, 404, 409, 412, 503]
    let answer = OutboundAnswer(status: statuses[Int(bytes[1]) % statuses.count], body: Array(bytes[2...]))
    let operation = operations[Int(bytes[0] >> 2) % operations.count]
    switch bytes[0] & 3 {
    case 0:
        let scheme = SigningScheme.amazon(accessKey: "a", secret: "b", region: "r")
        _ = try? S3Dialect(S3Settings(endpoint: "http://h", bucket: "b", scheme: scheme))
            .outcome(of: operation, answer: answer)
    case 1:
        let settings = AzureSettings(endpoint: "http://h", container: "c", credential: .sharedAccess("sig=x"))
        _ = try? AzureDialect(settings).outcome(of: operation, answer: answer)
    default:
        _ = try? ServiceAccount(parsing: answer.body)
    }
    return 0
}
