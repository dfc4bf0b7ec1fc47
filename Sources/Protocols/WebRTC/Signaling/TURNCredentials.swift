// SPDX-License-Identifier: Apache-2.0

import COpenSSL
public import Media

/// What a client shows to a TURN server for a limited time, as coturn's `use-auth-secret` checks it
/// (draft-uberti-behave-turn-rest): the end of the time and a name, and HMAC-SHA1 of both under a secret shared with the
/// server, in base64.
public struct TURNCredentials: Hashable, Sendable {
    /// `1700000000:name`, the seconds of the Unix time at which it ends.
    public let username: String
    /// 28 characters.
    public let password: String

    /// Credentials of `name`, which says in the server's log who it was, until `expiry`.
    public init(secret: String, name: String, until expiry: WallTime) {
        username = "\(expiry.milliseconds / 1000):\(name)"
        password = Self.base64(Self.authenticationCode(key: Array(secret.utf8), Array(username.utf8)))
    }

    /// HMAC-SHA1, RFC 2104; 20 bytes.
    private static func authenticationCode(key: [UInt8], _ message: [UInt8]) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: Int(SHA_DIGEST_LENGTH)) { code, count in
            var length: UInt32 = 0
            let result = HMAC(
                EVP_sha1(), key, Int32(key.count), message, message.count, code.baseAddress, &length)
            precondition(result != nil && length == 20, "HMAC-SHA1 failed on \(message.count) bytes")
            count = Int(length)
        }
    }

    /// RFC 4648 §4, with padding. OpenSSL ends the text with a zero.
    private static func base64(_ bytes: [UInt8]) -> String {
        let text = [UInt8](unsafeUninitializedCapacity: (bytes.count + 2) / 3 * 4 + 1) { text, count in
            count = Int(EVP_EncodeBlock(text.baseAddress, bytes, Int32(bytes.count)))
        }
        return String(decoding: text, as: UTF8.self)
    }
}
