// SPDX-License-Identifier: Apache-2.0

import Objects
import Signing

/// Where Amazon's S3 and the XML API of Google Cloud Storage differ.
enum S3Words {
    case amazon
    case google

    /// The header of an answer that says which content it is of.
    var version: String {
        switch self {
        case .amazon: "etag"
        case .google: "x-goog-generation"
        }
    }

    /// A condition of a write. Amazon has RFC 9110's; Google's compare generations, of which 0 is none.
    func conditions(_ condition: ObjectCondition) -> [OutboundHeader] {
        switch (self, condition) {
        case (_, .none): []
        case (.amazon, .absent): [OutboundHeader("If-None-Match", "*")]
        case (.amazon, .matches(let version)): [OutboundHeader("If-Match", version.description)]
        case (.google, .absent): [OutboundHeader("x-goog-if-generation-match", "0")]
        case (.google, .matches(let version)): [OutboundHeader("x-goog-if-generation-match", version.description)]
        }
    }

    /// The checksum that the store compares before it keeps the bytes.
    func checksum(_ content: ObjectContent) -> OutboundHeader {
        switch self {
        case .amazon:
            OutboundHeader(
                "x-amz-checksum-sha256",
                Base64.standard.text(content.sha256 ?? Digest.sha256.hash(content.bytes[...])))
        case .google: OutboundHeader("Content-MD5", Base64.standard.text(Digest.md5.hash(content.bytes[...])))
        }
    }

    /// What asks that a whole object come with its checksum; Google's always does.
    var checksumRequest: [OutboundHeader] {
        switch self {
        case .amazon: [OutboundHeader("x-amz-checksum-mode", "ENABLED")]
        case .google: []
        }
    }

    /// Compares bytes with the checksum of their answer, where it has one of the whole object.
    func compareChecksum(_ bytes: [UInt8], _ answer: OutboundAnswer) throws(StoreFailure) {
        guard answer.status == 200 else { return }
        switch self {
        case .amazon:
            // One with a hyphen is of an upload in pieces, and is not the hash of the bytes.
            guard let sum = answer.headers["x-amz-checksum-sha256"], !sum.contains("-") else { return }
            guard Base64.standard.text(Digest.sha256.hash(bytes[...])) == sum else { throw .corrupted }
        case .google: try GoogleHash.compare(bytes, answer)
        }
    }
}

/// The header `x-goog-hash` of both of Google's interfaces: `crc32c=…,md5=…`.
enum GoogleHash {
    /// Compares the MD5, which composed objects do not have.
    static func compare(_ bytes: [UInt8], _ answer: OutboundAnswer) throws(StoreFailure) {
        let sums = (answer.headers["x-goog-hash"] ?? "").split(separator: ",")
        guard let sum = sums.first(where: { $0.hasPrefix("md5=") })?.dropFirst(4) else { return }
        guard Base64.standard.text(Digest.md5.hash(bytes[...])) == sum else { throw .corrupted }
    }
}
