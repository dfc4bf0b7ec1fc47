// SPDX-License-Identifier: Apache-2.0

import Foundation

/// The credentials of a store, from the settings or from their file.
struct StoreCredentials {
    let account: String
    let secret: String
    let sessionToken: String?

    /// Throws a sentence that tells nothing of the secret.
    init(_ settings: StorageSettings) throws {
        guard let file = settings.credentials else {
            account = settings.account ?? ""
            secret = settings.secret?.revealed ?? ""
            sessionToken = settings.sessionToken?.revealed
            return
        }
        let text = try Self.text(of: file)
        guard settings.kind != .azure else {
            account = settings.account ?? ""
            secret = text.trimmingCharacters(in: .whitespacesAndNewlines)
            sessionToken = nil
            return
        }
        let values = Self.profile(text)
        guard let key = values["aws_access_key_id"], let secret = values["aws_secret_access_key"] else {
            throw SettingsFailure(lines: [
                "storage.credentials: \(file) has no aws_access_key_id and aws_secret_access_key"
            ])
        }
        account = key
        self.secret = secret
        sessionToken = values["aws_session_token"]
    }

    /// A file's text.
    static func text(of file: String) throws -> String {
        guard let text = try? String(contentsOfFile: file, encoding: .utf8) else {
            throw SettingsFailure(lines: ["storage.credentials: \(file) can not be read"])
        }
        return text
    }

    /// The keys of the profile `default`, or of a file without profiles.
    private static func profile(_ text: String) -> [String: String] {
        var values: [String: String] = [:]
        var isDefault = true
        for line in text.split(whereSeparator: \.isNewline).map({ $0.trimmingCharacters(in: .whitespaces) }) {
            if line.hasPrefix("[") { isDefault = line == "[default]" }
            let parts = line.split(separator: "=", maxSplits: 1).map { $0.trimmingCharacters(in: .whitespaces) }
            if isDefault, parts.count == 2, !line.hasPrefix("#") { values[parts[0]] = parts[1] }
        }
        return values
    }
}
