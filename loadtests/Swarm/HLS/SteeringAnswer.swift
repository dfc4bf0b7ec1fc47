// SPDX-License-Identifier: Apache-2.0

import Bytes
import Foundation

/// A steering manifest as a player reads it, RFC 8216bis §7.2.
struct SteeringAnswer {
    /// When to ask again.
    let life: Duration
    /// Where to ask then, if elsewhere.
    let reloadURI: String?
    /// Pathways, the best first.
    let priority: [String]
    /// Pathways that are made of others.
    let clones: [Clone]

    /// A pathway whose URIs are those of another with a host of its own (§7.3).
    struct Clone {
        let base: String
        let id: String
        /// Host, and port where it is given.
        let host: String
    }

    /// nil for what is no manifest of version 1.
    init?(_ body: ByteSlice) {
        guard let manifest = try? JSONDecoder().decode(Manifest.self, from: Data(body)), manifest.version == 1 else {
            return nil
        }
        life = .seconds(min(max(manifest.life ?? 300, 1), 86_400))
        reloadURI = manifest.reloadURI
        priority = manifest.priority
        clones = (manifest.clones ?? []).compactMap { clone in
            clone.replacement.host.map { Clone(base: clone.base, id: clone.id, host: $0) }
        }
    }
}

private struct Manifest: Decodable {
    let version: Int
    let life: Int?
    let reloadURI: String?
    let priority: [String]
    let clones: [CloneText]?

    struct CloneText: Decodable {
        let base, id: String
        let replacement: Replacement

        enum CodingKeys: String, CodingKey {
            case base = "BASE-ID"
            case id = "ID"
            case replacement = "URI-REPLACEMENT"
        }
    }

    struct Replacement: Decodable {
        let host: String?

        enum CodingKeys: String, CodingKey { case host = "HOST" }
    }

    enum CodingKeys: String, CodingKey {
        case version = "VERSION"
        case life = "TTL"
        case reloadURI = "RELOAD-URI"
        case priority = "PATHWAY-PRIORITY"
        case clones = "PATHWAY-CLONES"
    }
}
