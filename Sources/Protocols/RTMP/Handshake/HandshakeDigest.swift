// SPDX-License-Identifier: Apache-2.0

import COpenSSL

/// Where a handshake block of 1536 bytes hides its digest. Flash and some hardware encoders ask for one; there is no
/// public standard, both schemes are as all servers have them.
enum HandshakeScheme: CaseIterable {
    /// The digest's half comes first.
    case digestFirst
    /// The key's half comes first.
    case keyFirst

    /// The scheme in which the client's block is signed; nil for none.
    static func found(in block: [UInt8]) -> HandshakeScheme? {
        allCases.first { scheme in
            scheme.digest(of: block, key: HandshakeKey.player) == scheme.storedDigest(in: block)
        }
    }

    /// The 32 bytes where this scheme keeps the digest.
    func storedDigest(in block: [UInt8]) -> [UInt8] {
        let offset = offset(in: block)
        return Array(block[offset..<offset + 32])
    }

    /// Puts the digest where it belongs.
    func sign(_ block: inout [UInt8], key: [UInt8]) {
        let offset = offset(in: block)
        block.replaceSubrange(offset..<offset + 32, with: digest(of: block, key: key))
    }

    private func digest(of block: [UInt8], key: [UInt8]) -> [UInt8] {
        let offset = offset(in: block)
        return hmacSHA256(Array(block[..<offset] + block[(offset + 32)...]), key: key)
    }

    /// Four bytes point to the digest within their half.
    private func offset(in block: [UInt8]) -> Int {
        let pointer = self == .digestFirst ? 8 : 772
        return pointer + 4 + block[pointer..<pointer + 4].reduce(0) { $0 + Int($1) } % 728
    }
}

/// The keys of the digests, the same in every implementation.
enum HandshakeKey {
    static let player = Array("Genuine Adobe Flash Player 001".utf8)
    static let server = Array("Genuine Adobe Flash Media Server 001".utf8)
    static let fullServer =
        server + [
            0xF0, 0xEE, 0xC2, 0x4A, 0x80, 0x68, 0xBE, 0xE8, 0x2E, 0x00, 0xD0, 0xD1, 0x02, 0x9E, 0x7E, 0x57,
            0x6E, 0xEC, 0x5D, 0x2D, 0x29, 0x80, 0x6F, 0xAB, 0x93, 0xB8, 0xE6, 0x36, 0xCF, 0xEB, 0x31, 0xAE,
        ]
}

/// HMAC with SHA-256, RFC 2104; 32 bytes.
func hmacSHA256(_ message: [UInt8], key: [UInt8]) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: 32) { output, count in
        var length: UInt32 = 0
        let result = HMAC(
            EVP_sha256(), key, Int32(key.count), message, message.count, output.baseAddress, &length)
        precondition(result != nil && length == 32, "HMAC-SHA256 of \(message.count) bytes failed")
        count = 32
    }
}
