// SPDX-License-Identifier: Apache-2.0

import Logging

/// How a record becomes one line.
public enum LogFormat: Sendable, Hashable {
    /// `2026-11-21T10:00:00.000Z info    listening port=1935`, for a person.
    case text
    /// One JSON object a line, for a machine: `time`, `level`, `message`, `logger`, then the metadata. A metadata key
    /// that is one of those four gets `_` before it.
    case json

    /// The line, its line feed included.
    func line(time: String, level: Logger.Level, message: String, label: String, metadata: Logger.Metadata) -> String {
        switch self {
        case .text: textLine(time, level, message, metadata)
        case .json: jsonLine(time, level, message, label, metadata)
        }
    }

    private func textLine(
        _ time: String, _ level: Logger.Level, _ message: String, _ metadata: Logger.Metadata
    ) -> String {
        var line = "\(time) \(level.rawValue)"
        for _ in level.rawValue.utf8.count..<Self.levelWidth { line += " " }
        line += " "
        line.appendEscaped(message, quote: false)
        for (key, value) in metadata.sorted(by: { $0.key < $1.key }) {
            line += " "
            line.appendEscaped(key, quote: false)
            line += "="
            let plain = LogSecrets.redacted(key, value).plainText
            let needsQuotes = plain.isEmpty || plain.utf8.contains { $0 <= 0x20 || $0 == 0x22 || $0 == 0x3D }
            if needsQuotes { line.appendQuoted(plain) } else { line.appendEscaped(plain, quote: false) }
        }
        return line + "\n"
    }

    private func jsonLine(
        _ time: String, _ level: Logger.Level, _ message: String, _ label: String, _ metadata: Logger.Metadata
    ) -> String {
        var line = "{\"time\":\"\(time)\",\"level\":\"\(level.rawValue)\",\"message\":"
        line.appendQuoted(message)
        line += ",\"logger\":"
        line.appendQuoted(label)
        for (key, value) in metadata.sorted(by: { $0.key < $1.key }) {
            line += ","
            line.appendQuoted(Self.ownKeys.contains(key) ? "_\(key)" : key)
            line += ":"
            line.appendJSON(LogSecrets.redacted(key, value))
        }
        return line + "}\n"
    }

    private static let levelWidth = "critical".utf8.count
    private static let ownKeys: Set<String> = ["time", "level", "message", "logger"]
}

extension Logger.MetadataValue {
    /// The value as a person reads it, secrets within dictionaries redacted.
    fileprivate var plainText: String {
        switch self {
        case .string(let text): text
        case .stringConvertible(let value): value.description
        case .array(let values): "[" + values.map(\.plainText).joined(separator: ", ") + "]"
        case .dictionary(let pairs):
            "{"
                + pairs.sorted { $0.key < $1.key }
                .map { "\($0.key): \(LogSecrets.redacted($0.key, $0.value).plainText)" }.joined(separator: ", ") + "}"
        }
    }
}

extension String {
    /// Appends a JSON value; whole numbers and truth values keep their type.
    fileprivate mutating func appendJSON(_ value: Logger.MetadataValue) {
        switch value {
        case .string(let text): appendQuoted(text)
        case .stringConvertible(let value):
            if value is any BinaryInteger || value is Bool {
                self += value.description
            } else {
                appendQuoted(value.description)
            }
        case .array(let values):
            self += "["
            for (index, value) in values.enumerated() {
                if index > 0 { self += "," }
                appendJSON(value)
            }
            self += "]"
        case .dictionary(let pairs):
            self += "{"
            for (index, (key, value)) in pairs.sorted(by: { $0.key < $1.key }).enumerated() {
                if index > 0 { self += "," }
                appendQuoted(key)
                self += ":"
                appendJSON(LogSecrets.redacted(key, value))
            }
            self += "}"
        }
    }

    fileprivate mutating func appendQuoted(_ text: String) {
        self += "\""
        appendEscaped(text, quote: true)
        self += "\""
    }

    /// Appends `text` so that it can neither end the line nor command a terminal: C0 and C1 controls, DEL and the two
    /// Unicode line separators are escaped as JSON does (RFC 8259 §7), and a backslash always.
    fileprivate mutating func appendEscaped(_ text: String, quote: Bool) {
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case 0x0A: self += "\\n"
            case 0x0D: self += "\\r"
            case 0x09: self += "\\t"
            case 0x22 where quote: self += "\\\""
            case 0x5C: self += "\\\\"
            case 0...0x1F, 0x7F...0x9F, 0x2028, 0x2029:
                let digits = String(scalar.value, radix: 16)
                self += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: unicodeScalars.append(scalar)
            }
        }
    }
}
