// SPDX-License-Identifier: Apache-2.0

import Logging

/// Which metadata never reaches a line. The last net, not the first: a caller that holds a secret does not log it.
enum LogSecrets {
    /// The value, or the word `redacted` where the key names a secret.
    static func redacted(_ key: String, _ value: Logger.MetadataValue) -> Logger.MetadataValue {
        isSecret(key) ? "redacted" : value
    }

    /// Whether `key` names a secret: it contains one of the words, or ends in `key`, in any case.
    static func isSecret(_ key: String) -> Bool {
        let key = key.utf8.map { UInt8(ascii: "A")...UInt8(ascii: "Z") ~= $0 ? $0 | 0x20 : $0 }
        return key.reversed().starts(with: "yek".utf8) || words.contains { contains(key, $0) }
    }

    /// String's own search is ten times slower, and this is asked of every piece of metadata.
    private static func contains(_ key: [UInt8], _ word: [UInt8]) -> Bool {
        key.indices.contains { key[$0] == word[0] && key[$0...].starts(with: word) }
    }

    private static let words = ["token", "secret", "authorization", "password", "cookie"].map { Array($0.utf8) }
}
