// SPDX-License-Identifier: Apache-2.0

public import Media
public import Objects
import Signing

/// A service SAS of Azure's ("Create a service SAS"): a query that lets whoever has it do a few things for a while.
public struct SharedAccessSignature: Hashable, Sendable {
    /// What it is good for.
    public enum Subject: Hashable, Sendable {
        /// One blob.
        case blob(ObjectKey)
        /// All of a container.
        case container
    }

    /// The container.
    public var container: String
    /// What of it.
    public var subject: Subject
    /// What may be done, letters in Azure's order: `r` read, `a` add, `c` create, `w` write, `d` delete, `l` list.
    public var permissions: String
    /// When it ends, to the second.
    public var expires: WallTime
    /// When it begins; nil for at once.
    public var starts: WallTime?
    /// Whether it is refused over plain HTTP.
    public var requiresTLS = true

    /// A signature to be made.
    public init(container: String, subject: Subject, permissions: String, expires: WallTime) {
        self.container = container
        self.subject = subject
        self.permissions = permissions
        self.expires = expires
    }

    /// The query, without a question mark.
    public func query(signedWith key: AzureKey) -> String {
        let starts = self.starts.map(\.extended) ?? ""
        let protocols = requiresTLS ? "https" : "https,http"
        let (kind, path) =
            switch subject {
            case .blob(let name): ("b", "/\(container)/\(name)")
            case .container: ("c", "/\(container)")
            }
        // In order: what may be done, when, on what, by which policy, from which address, how, in which version, and then,
        // all empty, the snapshot, the encryption scope and five headers that the answer is to have.
        let text =
            [
                permissions, starts, expires.extended, "/blob/\(key.account)\(path)", "", "", protocols,
                AzureDialect.version, kind,
            ] + Array(repeating: "", count: 7)
        var query = QueryText()
        if !starts.isEmpty { query.add("st", starts) }
        query.add("se", expires.extended)
        query.add("sp", permissions)
        query.add("spr", protocols)
        query.add("sv", AzureDialect.version)
        query.add("sr", kind)
        query.add("sig", key.signature(of: text.joined(separator: "\n")))
        return String(query.text.dropFirst())
    }
}
