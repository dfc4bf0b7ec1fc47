// SPDX-License-Identifier: Apache-2.0

public import Access
public import Feed

/// How streams are kept at their gateway.
public struct LiveStreamSettings: Sendable {
    /// How the feed is cut.
    public var sequencer: SequencerSettings
    /// How long a stream waits for its publisher to come back.
    public var grace: Duration = .seconds(15)
    /// How long an ended stream's last playlist stays to be fetched.
    public var endedLinger: Duration = .seconds(60)
    /// How long video may come without a random access point before the publisher is cut.
    public var randomAccessTimeout: Duration = .seconds(20)
    /// Whether another publisher may take over a live name.
    public var takeover: AccessSettings.Takeover = .refuse
    /// How many publishers may be connected to this node at once.
    public var maximumPublishers = 1000
    /// How many streams this node may be the gateway of, those that wait for their publisher included.
    public var maximumStreams = 1000

    /// The defaults, with the cuts of `sequencer`.
    public init(sequencer: SequencerSettings) { self.sequencer = sequencer }
}
