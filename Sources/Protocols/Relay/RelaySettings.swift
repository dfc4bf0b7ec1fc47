// SPDX-License-Identifier: Apache-2.0

public import Bytes

/// The limits and times of the relay between nodes.
public struct RelaySettings: Hashable, Sendable {
    /// How often a parent gives a sign of life.
    public var heartbeat: Duration = .milliseconds(200)
    /// How long a parent may be silent, or without news of the gateway, before a subscriber goes to the other: three
    /// heartbeats.
    public var pathTimeout: Duration = .milliseconds(600)
    /// How long a parent may take to say where its records begin, while the other has said so: it may have to subscribe
    /// first, over a long way. Three times ``pathTimeout``.
    public var beginTimeout: Duration = .milliseconds(1800)
    /// How long an answer to a subscription may take: the parent may have to subscribe first.
    public var answerTimeout: Duration = .seconds(5)
    /// How long whoever takes a term waits for those who are asked.
    public var termTimeout: Duration = .milliseconds(300)
    /// How long it waits for a gateway and a standby that are believed alive, while neither has answered: nobody else need
    /// hold what was listed. Less than a publisher may wait. Once one has answered, which has all that, the other is given
    /// ``pathTimeout``: longer than any that lives is silent.
    public var holderTimeout: Duration = .seconds(2)
    /// How long a connection may go without a hello.
    public var helloTimeout: Duration = .seconds(5)
    /// How long a parent of anything may say nothing before the connection is given up, and how long the other machine may
    /// confirm nothing of what was sent, as it does where it is gone.
    public var silenceTimeout: Duration = .seconds(2)
    /// How long a peer may take nothing while there is something for it.
    public var stallTimeout: Duration = .seconds(5)
    /// How many nodes records may pass.
    public var maximumHops = 6
    /// How often a subscriber follows a redirect before it gives up the parent.
    public var maximumRedirects = 3
    /// The longest frame, above the longest unit that an ingest takes.
    public var maximumFrame: ByteCount = .mebibytes(16)
    /// The least time between two writes of records to one node. What comes alone goes at once; under many streams, what
    /// came within this time goes together (`docs/decisions/0036-relay-in-rounds.md`).
    public var pace: Duration = .milliseconds(5)
    /// The most that one batch of records holds of media, but for a single larger unit.
    public var batch: ByteCount = .kibibytes(256)
    /// How many records one batch holds at most.
    public var batchRecords = 256
    /// How many subscriptions one connection may have.
    public var maximumSubscriptions = 20_000

    /// The defaults.
    public init() {}

    /// How much older the news of the gateway may be by the one parent than by the other, if only it comes: twice what
    /// waiting for heartbeats adds on the longest way, the rest for the links. Where records run in a circle, long links
    /// make each round's news look like new.
    var oldestNews: Duration { heartbeat * (2 * maximumHops) }
}
