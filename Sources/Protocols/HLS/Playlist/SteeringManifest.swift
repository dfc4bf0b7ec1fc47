// SPDX-License-Identifier: Apache-2.0

/// A steering manifest (RFC 8216bis §7.2): which pathways a player is to use, the best first, and when it is to ask again.
public struct SteeringManifest: Hashable, Sendable {
    /// A pathway that the multivariant playlist does not name, made of one that it names (§7.3).
    public struct Clone: Hashable, Sendable {
        /// The pathway that it is made of.
        public let base: String
        /// Its own PATHWAY-ID.
        public let id: String
        /// Host and port that stand in its URIs instead.
        public let host: String

        /// A clone of its parts.
        public init(base: String, id: String, host: String) {
            self.base = base
            self.id = id
            self.host = host
        }
    }

    /// When to ask again.
    public var life: Duration
    /// Pathway ids, the best first.
    public var priority: [String]
    /// Further pathways.
    public var clones: [Clone]
    /// RELOAD-URI: where to ask again, relative to where it was asked; nil where what was asked is asked again.
    public var reload: String?

    /// A manifest of its parts.
    public init(life: Duration, priority: [String], clones: [Clone] = [], reload: String? = nil) {
        self.life = life
        self.priority = priority
        self.clones = clones
        self.reload = reload
    }

    /// JSON.
    public var text: [UInt8] {
        let names = priority.map(Self.quoted).joined(separator: ",")
        var text = "{\"VERSION\":1,\"TTL\":\(max(1, life.components.seconds)),"
        if let reload { text += "\"RELOAD-URI\":\(Self.quoted(reload))," }
        text += "\"PATHWAY-PRIORITY\":[\(names)]"
        if !clones.isEmpty {
            let clones = clones.map {
                "{\"BASE-ID\":\(Self.quoted($0.base)),\"ID\":\(Self.quoted($0.id)),"
                    + "\"URI-REPLACEMENT\":{\"HOST\":\(Self.quoted($0.host))}}"
            }
            text += ",\"PATHWAY-CLONES\":[\(clones.joined(separator: ","))]"
        }
        return Array((text + "}").utf8)
    }

    /// A JSON string (RFC 8259 §7).
    private static func quoted(_ text: String) -> String {
        let escaped = text.unicodeScalars.map { scalar in
            scalar.value < 0x20 || scalar == "\"" || scalar == "\\" ? "" : String(scalar)
        }
        return "\"\(escaped.joined())\""
    }
}
