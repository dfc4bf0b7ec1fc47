// SPDX-License-Identifier: Apache-2.0

/// One setting: its name, its place in ``NodeSettings``, its type, what it does and why its default is what it is.
///
/// The default itself stands once, in the settings structs; the key reads it from there.
public struct SettingKey: Sendable {
    /// The path in the file, `http.tls.certificate`.
    public let path: String
    /// What is allowed, as a person reads it.
    public let allowed: String
    /// The default as the file writes it.
    public let defaultText: String
    /// What it does, in one sentence.
    public let effect: String
    /// Why the default is what it is.
    public let reason: String
    /// Whether the value is a list.
    public let isList: Bool
    /// Whether the value is never shown.
    public let isSecret: Bool
    private let store: @Sendable (String, inout NodeSettings) -> Bool
    private let show: @Sendable (NodeSettings) -> String

    init<Value>(
        _ path: String, _ place: any WritableKeyPath<NodeSettings, Value> & Sendable, _ type: SettingType<Value>,
        _ effect: String, why reason: String
    ) {
        self.path = path
        self.allowed = type.allowed
        self.defaultText = type.render(NodeSettings()[keyPath: place])
        self.effect = effect
        self.reason = reason
        self.isList = type.isList
        self.isSecret = type.isSecret
        self.show = { type.render($0[keyPath: place]) }
        self.store = { text, settings in
            guard let value = type.parse(text) else { return false }
            settings[keyPath: place] = value
            return true
        }
    }

    /// The name of its environment variable, `MILLRACE_HTTP_TLS_CERTIFICATE`.
    public var environmentName: String {
        "MILLRACE_" + path.uppercased().split(separator: ".").joined(separator: "_")
    }

    /// The parts of its path.
    public var components: [String] { path.split(separator: ".").map(String.init) }

    /// Puts a text's value in its place; false, and nothing changed, where the text is not allowed.
    public func apply(_ text: String, to settings: inout NodeSettings) -> Bool { store(text, &settings) }

    /// The value in force as the file would write it; a secret is never shown.
    public func text(in settings: NodeSettings) -> String { show(settings) }

    /// The key of a path.
    public static func named(_ path: String) -> SettingKey? { byPath[path] }

    private static let byPath = Dictionary(uniqueKeysWithValues: all.map { ($0.path, $0) })
}
