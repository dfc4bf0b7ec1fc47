// SPDX-License-Identifier: Apache-2.0

/// How a node speaks with its store.
public struct RedisSettings: Hashable, Sendable {
    /// Where the server is.
    public var place: RedisPlace
    /// Who the node says it is (Redis' ACL); nil for the default user.
    public var user: String?
    /// What it proves that with; nil where none is asked for.
    public var password: String?
    /// Who the node says it is to sentinels; nil for their default user.
    public var sentinelUser: String?
    /// What it proves that with; nil where sentinels ask for none.
    public var sentinelPassword: String?
    /// Which of the server's databases.
    public var database = 0
    /// What every key begins with: several clusters may share a server.
    public var prefix = "millrace:"
    /// The longest that a connection may take to be made, and then each answer to come.
    public var timeout: Duration = .milliseconds(500)
    /// How long a lease lasts without a renewal.
    public var leaseLife: Duration = .seconds(3)
    /// How long the highest term of a stream is remembered after its last claim or renewal.
    public var termMemory: Duration = .seconds(86_400)
    /// How long a node that says nothing more is still a seed for others.
    public var seedLife: Duration = .seconds(30)

    /// The defaults, at a place.
    public init(_ place: RedisPlace) { self.place = place }
}
