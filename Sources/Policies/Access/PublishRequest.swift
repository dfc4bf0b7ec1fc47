// SPDX-License-Identifier: Apache-2.0

public import Identity

/// A wish to publish.
public struct PublishRequest: Sendable {
    /// The stream to be published.
    public var stream: StreamID
    /// The token as it was sent, if one was.
    public var token: String?
    /// What stands for the publisher where it has no token: the `key` parameter, or the name it publishes under.
    public var key: String
    /// The peer's address without the port.
    public var address: String
    /// What is known of the connection.
    public var caller: Caller
    /// Who publishes the stream now or did within the publisher's grace, if anybody.
    public var live: PublisherIdentity?
    /// The same where that is at another node, of which only the first half is known.
    public var liveElsewhere: UInt64?

    /// A wish of all its parts.
    public init(
        stream: StreamID, token: String?, key: String, address: String, caller: Caller, live: PublisherIdentity? = nil,
        liveElsewhere: UInt64? = nil
    ) {
        self.stream = stream
        self.token = token
        self.key = key
        self.address = address
        self.caller = caller
        self.live = live
        self.liveElsewhere = liveElsewhere
    }
}
