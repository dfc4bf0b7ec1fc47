// SPDX-License-Identifier: Apache-2.0

import COpenSSL

/// What is left of a session whose handshake nobody needs any more: our word that it ends, ready to be sent, and the key
/// under which the peer's comes. OpenSSL keeps 40 KB for the same.
struct DTLSClosure {
    /// The datagram with our `close_notify`. It was sealed when OpenSSL was let go, so that no number is used twice.
    let notice: [UInt8]
    private let key: [UInt8]
    private let salt: [UInt8]

    /// - Parameters:
    ///   - secret: the master secret, 48 bytes.
    ///   - randoms: the server's and then the client's, 32 bytes each.
    ///   - isClient: whether we are the DTLS client, and so read what the server writes.
    init(notice: [UInt8], secret: [UInt8], randoms: [UInt8], isClient: Bool) {
        self.notice = notice
        // The client's key, the server's, the client's salt, the server's (RFC 5246 §6.3, RFC 5288 §3).
        let block = expanded(secret, seed: Array("key expansion".utf8) + randoms)
        key = Array(isClient ? block[16..<32] : block[..<16])
        salt = Array(isClient ? block[36..<40] : block[32..<36])
    }

    /// How a datagram ends the session, if it does: by the first alert in it that closes and is sealed under the key.
    func end(by datagram: UnsafeRawBufferPointer) -> DTLSSession.Directive? {
        var rest = datagram[...]
        while rest.count >= DTLSRecords.headerSize {
            let record = UnsafeRawBufferPointer(rebasing: rest)
            let size = DTLSRecords.headerSize + (Int(record[11]) << 8 | Int(record[12]))
            guard size <= rest.count else { return nil }
            if let alert = opened(record.prefix(size)) {
                if alert.description == Self.closeNotify { return .closed }
                if alert.level == Self.fatal { return .failed(.alert) }
            }
            rest = rest.dropFirst(size)
        }
        return nil
    }

    /// The alert in a record of DTLS 1.2 under AES-GCM (RFC 5288 §3): an explicit nonce, two bytes, a tag.
    private func opened(_ record: Slice<UnsafeRawBufferPointer>) -> (level: UInt8, description: UInt8)? {
        let bytes = Array(record)
        guard bytes.count == Self.alertSize, bytes[0] == Self.alert, let context = EVP_CIPHER_CTX_new() else {
            return nil
        }
        defer { EVP_CIPHER_CTX_free(context) }
        let (header, nonce) = (DTLSRecords.headerSize, DTLSRecords.headerSize + 8)
        let authenticated = bytes[3..<11] + bytes[..<3] + [0, 2]
        var (plain, tag, length): ([UInt8], [UInt8], Int32) = ([0, 0], Array(bytes[(nonce + 2)...]), 0)
        let isOpened =
            EVP_DecryptInit_ex(context, EVP_aes_128_gcm(), nil, key, salt + bytes[header..<nonce]) == 1
            && EVP_DecryptUpdate(context, nil, &length, Array(authenticated), Int32(authenticated.count)) == 1
            && EVP_DecryptUpdate(context, &plain, &length, Array(bytes[nonce..<nonce + 2]), 2) == 1
            && EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, 16, &tag) == 1
            && EVP_DecryptFinal_ex(context, &tag, &length) == 1
        return isOpened ? (plain[0], plain[1]) : nil
    }

    private static let alert: UInt8 = 21
    private static let alertSize = DTLSRecords.headerSize + 8 + 2 + 16
    private static let fatal: UInt8 = 2
    private static let closeNotify: UInt8 = 0
}

/// The first 64 bytes of TLS 1.2's pseudo-random function with SHA-256 (RFC 5246 §5), of which AES-128-GCM takes 40.
private func expanded(_ secret: [UInt8], seed: [UInt8]) -> [UInt8] {
    let first = hmacSHA256(seed, key: secret)
    return hmacSHA256(first + seed, key: secret) + hmacSHA256(hmacSHA256(first, key: secret) + seed, key: secret)
}

private func hmacSHA256(_ message: [UInt8], key: [UInt8]) -> [UInt8] {
    var code = [UInt8](repeating: 0, count: Int(SHA256_DIGEST_LENGTH))
    let result = HMAC(EVP_sha256(), key, Int32(key.count), message, message.count, &code, nil)
    precondition(result != nil, "HMAC-SHA256 failed on \(message.count) bytes")
    return code
}
