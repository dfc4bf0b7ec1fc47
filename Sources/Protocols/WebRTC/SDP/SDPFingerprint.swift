// SPDX-License-Identifier: Apache-2.0

import Bytes

/// The hash of the certificate that a party will show in DTLS: `a=fingerprint`, RFC 8122 §5.
public struct SDPFingerprint: Hashable, Sendable {
    /// Hash functions that are good enough; others are left out.
    public enum Algorithm: String, Hashable, Sendable, CaseIterable {
        /// SHA-256.
        case sha256 = "sha-256"
        /// SHA-384.
        case sha384 = "sha-384"
        /// SHA-512.
        case sha512 = "sha-512"

        /// The length of a hash, in bytes.
        public var length: Int {
            switch self {
            case .sha256: 32
            case .sha384: 48
            case .sha512: 64
            }
        }
    }

    /// The hash function.
    public let algorithm: Algorithm
    /// The hash.
    public let bytes: [UInt8]

    /// A fingerprint of its parts; nil where the length is not that of the function.
    public init?(algorithm: Algorithm, bytes: [UInt8]) {
        guard bytes.count == algorithm.length else { return nil }
        self.algorithm = algorithm
        self.bytes = bytes
    }

    /// Reads pairs of hexadecimal digits between colons, either case.
    init?(algorithm: Algorithm, text: Substring) {
        let pairs = text.split(separator: ":", omittingEmptySubsequences: false)
        guard pairs.allSatisfy({ $0.utf8.count == 2 }), let bytes = [UInt8](hex: pairs.joined()) else { return nil }
        self.init(algorithm: algorithm, bytes: bytes)
    }

    /// The hash as pairs of upper-case digits between colons.
    var text: String { bytes.map { [$0].hex.uppercased() }.joined(separator: ":") }
}

/// Who begins the handshake of DTLS: `a=setup`, RFC 4145 §4 and RFC 5763 §5.
public enum DTLSSetup: String, Hashable, Sendable, CaseIterable {
    /// The writer begins: it is the client.
    case active
    /// The writer leaves the choice to the reader.
    case either = "actpass"
    /// The reader begins: the writer is the server.
    case passive
}
