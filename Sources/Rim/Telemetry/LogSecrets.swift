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
        let key = key.lowercased()
        return key.hasSuffix("key") || words.contains { key.contains($0) }
    }

    private static let words = ["token", "secret", "authorization", "password", "cookie"]
}
