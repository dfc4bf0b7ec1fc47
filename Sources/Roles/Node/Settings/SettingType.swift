// SPDX-License-Identifier: Apache-2.0

import Bytes
import Transport

/// How a setting's text becomes its value and back, and which values are allowed.
public struct SettingType<Value: Sendable>: Sendable {
    /// What is allowed, as a person reads it: `an integer 1...64`.
    let allowed: String
    /// The value of a text, nil where it is not allowed.
    let parse: @Sendable (String) -> Value?
    /// The text of a value as `millrace.yml` has it.
    let render: @Sendable (Value) -> String
    /// Whether the file writes it as a sequence, and the environment with commas.
    var isList = false
    /// Whether the value is never shown.
    var isSecret = false
}

extension SettingType<Bool> {
    static var boolean: Self {
        SettingType(
            allowed: "true or false",
            parse: {
                ["true": true, "yes": true, "1": true, "false": false, "no": false, "0": false][$0.lowercased()]
            },
            render: \.description
        )
    }
}

extension SettingType<Int> {
    static func integer(_ range: ClosedRange<Int>) -> Self {
        SettingType(
            allowed: "an integer \(range.lowerBound)...\(range.upperBound)",
            parse: { Int($0).flatMap { range.contains($0) ? $0 : nil } },
            render: \.description
        )
    }
}

extension SettingType<Duration> {
    static func duration(_ range: ClosedRange<Duration>) -> Self {
        SettingType(
            allowed: "a duration \(range.lowerBound.settingText)...\(range.upperBound.settingText) (ms, s, m or h)",
            parse: { Duration(settingText: $0).flatMap { range.contains($0) ? $0 : nil } },
            render: \.settingText
        )
    }
}

extension SettingType<ByteCount> {
    static func byteCount(_ range: ClosedRange<ByteCount>) -> Self {
        SettingType(
            allowed: "a size \(range.lowerBound)...\(range.upperBound) (B, KiB, MiB or GiB)",
            parse: { ByteCount(parsing: $0).flatMap { range.contains($0) ? $0 : nil } },
            render: \.description
        )
    }
}

extension SettingType where Value: RawRepresentable & CaseIterable, Value.RawValue == String {
    /// One word of an enumeration.
    static var choice: Self {
        SettingType(
            allowed: "one of " + Value.allCases.map(\.rawValue).joined(separator: ", "),
            parse: { Value(rawValue: $0) }, render: \.rawValue
        )
    }
}

extension SettingType<String> {
    static var host: Self {
        SettingType(
            allowed: "an IPv4 or IPv6 address or a host name",
            parse: { $0.isEmpty || !$0.utf8.allSatisfy(Self.isHostByte) ? nil : $0 },
            render: { $0.contains(":") ? "\"\($0)\"" : $0 }
        )
    }

    private static func isHostByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: ":"),
            UInt8(ascii: "%"):
            true
        default: false
        }
    }
}

extension SettingType<String?> {
    /// A text or, empty, none; `isAllowed` refuses texts of a wrong form.
    static func optionalText(_ allowed: String, isAllowed: @escaping @Sendable (String) -> Bool = { _ in true }) -> Self
    {
        SettingType(
            allowed: "\(allowed), or empty for none",
            parse: { $0.isEmpty ? .some(.none) : isAllowed($0) ? .some(.some($0)) : .none },
            render: { "\"\($0 ?? "")\"" }
        )
    }
}

extension SettingType<SecretText?> {
    /// A secret of at least `minimumLength` bytes or, empty, none.
    static func secret(minimumLength: Int) -> Self {
        SettingType(
            allowed: "a text of at least \(minimumLength) bytes, or empty for none",
            parse: { text in
                guard !text.isEmpty else { return .some(.none) }
                return text.utf8.count >= minimumLength ? .some(.some(SecretText(text))) : .none
            },
            render: { $0 == nil ? "\"\"" : "redacted" }, isSecret: true
        )
    }
}

extension SettingType<SecretText?> {
    /// A text with a secret in it or, empty, none; `isAllowed` refuses texts of a wrong form.
    static func secretText(_ allowed: String, isAllowed: @escaping @Sendable (String) -> Bool) -> Self {
        SettingType(
            allowed: "\(allowed), or empty for none",
            parse: { $0.isEmpty ? .some(.none) : isAllowed($0) ? .some(.some(SecretText($0))) : .none },
            render: { $0 == nil ? "\"\"" : "redacted" }, isSecret: true
        )
    }
}

extension SettingType<[String]> {
    /// Words without commas and white space; `isAllowed` refuses words of a wrong form.
    static func list(of allowed: String, isAllowed: @escaping @Sendable (String) -> Bool = { _ in true }) -> Self {
        SettingType(
            allowed: "a list of \(allowed)",
            parse: { text in
                let words = text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
                guard !text.isEmpty else { return [] }
                let isWord = words.allSatisfy { !$0.isEmpty && !$0.contains(where: \.isWhitespace) && isAllowed($0) }
                return isWord ? words : nil
            },
            render: { "[\($0.map { $0.contains("*") ? "\"\($0)\"" : $0 }.joined(separator: ", "))]" }, isList: true
        )
    }
}

extension SettingType<[AddressPrefix]> {
    /// Addresses and networks by their prefixes; none, or an empty text, trusts nobody.
    static var prefixes: Self {
        SettingType(
            allowed: "a list of addresses and prefixes as 192.0.2.0/24, or empty for none",
            parse: { text in
                guard !text.isEmpty else { return [] }
                let words = text.split(separator: ",", omittingEmptySubsequences: false)
                let prefixes = words.compactMap { AddressPrefix(parsing: String($0)) }
                return prefixes.count == words.count ? prefixes : nil
            },
            render: { "[\($0.map { "\"\($0)\"" }.joined(separator: ", "))]" }, isList: true
        )
    }
}

extension SettingType<Duration?> {
    /// A duration, or the word `auto` for nil.
    static func automaticDuration(_ range: ClosedRange<Duration>) -> Self {
        let type = SettingType<Duration>.duration(range)
        return SettingType(
            allowed: "auto, or \(type.allowed)",
            parse: { $0 == "auto" ? .some(.none) : type.parse($0).map(Optional.some) },
            render: { $0.map(type.render) ?? "auto" }
        )
    }
}
