// SPDX-License-Identifier: Apache-2.0

import COpenSSL

/// What MESSAGE-INTEGRITY (RFC 8489 §14.5) is made and checked with: HMAC-SHA1 (RFC 2104) under a password, begun.
///
/// The states of the hash behind the two paddings of the key are kept, so that a check costs two blocks less and no
/// allocation. 192 bytes.
public struct STUNIntegrityKey: Sendable {
    private let inner: SHA_CTX
    private let outer: SHA_CTX

    /// The key of short-term credentials is the password's bytes (RFC 8489 §9.1.1).
    public init(password: String) { self.init(Array(password.utf8)) }

    /// A key of any length; over 64 bytes it is hashed first.
    public init(_ key: [UInt8]) {
        var block = key
        if key.count > Self.blockLength {
            block = [UInt8](unsafeUninitializedCapacity: Self.codeLength) { digest, count in
                SHA1(key, key.count, digest.baseAddress)
                count = Self.codeLength
            }
        }
        block += repeatElement(0, count: Self.blockLength - block.count)
        inner = millrace_sha1_state(block.map { $0 ^ 0x36 })
        outer = millrace_sha1_state(block.map { $0 ^ 0x5C })
    }

    /// Whether `message`, read from `bytes`, was written by somebody who knows the key. Compares in constant time.
    public func verifies(_ message: STUNMessage, in bytes: Span<UInt8>) -> Bool {
        guard let offset = message.integrityOffset, offset + 4 + Self.codeLength <= bytes.count else { return false }
        let code = bytes.extracting(offset + 4..<offset + 4 + Self.codeLength)
        return withCode(of: bytes.extracting(0..<offset)) { expected in
            code.withUnsafeBufferPointer { CRYPTO_memcmp($0.baseAddress, expected, Self.codeLength) == 0 }
        }
    }

    /// The code of a message whose bytes, up to MESSAGE-INTEGRITY, are `bytes`.
    func code(of bytes: Span<UInt8>) -> [UInt8] {
        withCode(of: bytes) { Array(UnsafeBufferPointer(start: $0, count: Self.codeLength)) }
    }

    /// The code's length in bytes.
    static let codeLength = 20
    private static let blockLength = 64
}

extension STUNIntegrityKey {
    /// The header's length is hashed as if MESSAGE-INTEGRITY were the last attribute, whatever follows it.
    private func withCode<Result>(of bytes: Span<UInt8>, _ body: (UnsafePointer<UInt8>) -> Result) -> Result {
        let length = UInt32(truncatingIfNeeded: bytes.count - STUNMessage.headerLength + 4 + Self.codeLength)
        let start = (UInt32(bytes.uint16(at: 0)) << 16 | length).bigEndian
        return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Self.codeLength) { code in
            guard let digest = code.baseAddress else { preconditionFailure("no room for a digest on the stack") }
            withUnsafeBytes(of: start) { start in
                bytes.extracting(4...).withUnsafeBufferPointer { rest in
                    withUnsafePointer(to: inner) { inner in
                        withUnsafePointer(to: outer) { outer in
                            millrace_hmac_sha1(
                                inner, outer, start.baseAddress, start.count, rest.baseAddress, rest.count, digest)
                        }
                    }
                }
            }
            return body(digest)
        }
    }
}
