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
            var state = Self.begun([])
            key.withUnsafeBufferPointer { Self.update(&state, $0) }
            block = Self.finish(&state)
        }
        block += repeatElement(0, count: Self.blockLength - block.count)
        inner = Self.begun(block.map { $0 ^ 0x36 })
        outer = Self.begun(block.map { $0 ^ 0x5C })
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
        let length = UInt16(truncatingIfNeeded: bytes.count - STUNMessage.headerLength + 4 + Self.codeLength)
        var state = inner
        bytes.withUnsafeBufferPointer { bytes in
            Self.update(&state, UnsafeBufferPointer(rebasing: bytes[..<2]))
            withUnsafeBytes(of: length.bigEndian) { _ = millrace_sha1_update(&state, $0.baseAddress, 2) }
            Self.update(&state, UnsafeBufferPointer(rebasing: bytes[4...]))
        }
        return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Self.codeLength) { digest in
            guard let start = digest.baseAddress else { preconditionFailure("no room for a digest on the stack") }
            _ = millrace_sha1_finish(start, &state)
            var whole = outer
            _ = millrace_sha1_update(&whole, start, Self.codeLength)
            _ = millrace_sha1_finish(start, &whole)
            return body(start)
        }
    }

    private static func begun(_ block: [UInt8]) -> SHA_CTX {
        var state = SHA_CTX()
        _ = millrace_sha1_begin(&state)
        block.withUnsafeBufferPointer { update(&state, $0) }
        return state
    }

    private static func update(_ state: inout SHA_CTX, _ bytes: UnsafeBufferPointer<UInt8>) {
        _ = millrace_sha1_update(&state, bytes.baseAddress, bytes.count)
    }

    private static func finish(_ state: inout SHA_CTX) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: codeLength) { digest, count in
            _ = millrace_sha1_finish(digest.baseAddress, &state)
            count = codeLength
        }
    }
}
