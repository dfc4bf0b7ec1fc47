// SPDX-License-Identifier: Apache-2.0

import Cluster
import Gossip

extension SettingType<NodeRoles> {
    /// A list of roles, at least one.
    static var roles: Self {
        let names: [(String, NodeRoles)] = [("origin", .origin), ("edge", .edge), ("router", .router)]
        return SettingType(
            allowed: "a list of origin, edge and router, at least one",
            parse: { text in
                let words = text.split(separator: ",", omittingEmptySubsequences: false)
                let roles = words.compactMap { word in names.first { $0.0 == word }?.1 }
                return roles.count == words.count ? NodeRoles(roles) : nil
            },
            render: { roles in "[\(names.filter { roles.contains($0.1) }.map(\.0).joined(separator: ", "))]" },
            isList: true
        )
    }
}

extension SettingType<String> {
    /// A name of a region, a zone or a cluster.
    static func plainName(_ isAllowed: @escaping @Sendable (String) -> Bool) -> Self {
        SettingType(
            allowed: "1 to 32 lower-case letters, digits, - and _", parse: { isAllowed($0) ? $0 : nil }, render: { $0 })
    }
}

extension SettingType<String> {
    /// ASCII letters and digits and the characters of `others`, 1 to `longest` of them.
    static func word(_ allowed: String, longest: Int, and others: String) -> Self {
        SettingType(
            allowed: allowed,
            parse: { text in
                let isWord = text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) || others.contains($0) }
                return isWord && (1...longest).contains(text.count) ? text : nil
            },
            render: { "\"\($0)\"" })
    }
}

extension SettingType<SecretText?> {
    /// The key of a cluster or, empty, none.
    static var clusterKey: Self {
        SettingType(
            allowed: "32 bytes as 64 hexadecimal digits or in base64, or empty for none",
            parse: { text in
                guard !text.isEmpty else { return .some(.none) }
                return (try? ClusterKey(parsing: text)) == nil ? .none : .some(.some(SecretText(text)))
            },
            render: { $0 == nil ? "\"\"" : "redacted" }, isSecret: true
        )
    }
}
