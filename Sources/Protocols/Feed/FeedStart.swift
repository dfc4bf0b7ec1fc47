// SPDX-License-Identifier: Apache-2.0

/// Where the records that follow begin, and what must be known before them.
public struct FeedStart: Hashable, Sendable {
    /// The first record that follows.
    public let position: FeedPosition
    /// The parameters in force there; nil where they follow, or are known to whoever reads on.
    public let parameters: FeedLog.PlacedParameters?
    /// At the first record of a term: how much of the term before it goes on from. What is held behind that is void. Nil
    /// where it goes on from nothing, and at any other record.
    public let continues: FeedPosition?

    /// A start of its parts.
    public init(
        position: FeedPosition, parameters: FeedLog.PlacedParameters? = nil, continues: FeedPosition? = nil
    ) {
        self.position = position
        self.parameters = parameters
        self.continues = continues
    }
}
