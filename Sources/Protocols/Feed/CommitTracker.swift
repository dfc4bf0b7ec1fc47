// SPDX-License-Identifier: Apache-2.0

public import Identity

/// Says which parts may be listed and stored: those whose `partEnd` every holder of the feed has acknowledged.
///
/// The gateway holds what it appends. While it is alone, everything commits at once. What is committed stays so,
/// whoever comes or goes.
public struct CommitTracker: Sendable {
    /// The newest committed part and where its `partEnd` stands.
    public struct Commit: Hashable, Sendable {
        /// Where the `partEnd` stands in the feed.
        public let position: FeedPosition
        /// The part it ends.
        public let part: PartPosition

        /// A commit of its parts.
        public init(position: FeedPosition, part: PartPosition) {
            self.position = position
            self.part = part
        }
    }

    /// The term whose records are tracked.
    public let term: Term
    /// The newest committed part; nil before the first.
    public private(set) var committed: Commit?

    private var waiting: [Commit] = []
    private var firstWaiting = 0
    /// By holder, the number that its next acknowledgement must reach: all records before it are held.
    private var holders: [(id: NodeID, heldBefore: UInt64)] = []

    /// The gateway alone, before the first record of `term`.
    public init(term: Term) { self.term = term }

    /// The gateway appended a `partEnd` as record `number`. Whether the committed position moved.
    /// - Precondition: numbers increase.
    public mutating func append(_ part: PartPosition, number: UInt64) -> Bool {
        let newest = waiting.last ?? committed
        precondition(
            newest.map { $0.position.number < number } ?? true, "record \(number) after \(String(describing: newest))")
        waiting.append(Commit(position: FeedPosition(term: term, number: number), part: part))
        return advance()
    }

    /// A holder joins. It counts for records from `number` on: those before it, it has as part of the window.
    public mutating func add(_ holder: NodeID, countingFrom number: UInt64) {
        holders.removeAll { $0.id == holder }
        holders.append((holder, number))
    }

    /// A holder is lost; nobody waits for it any more. Whether the committed position moved.
    public mutating func remove(_ holder: NodeID) -> Bool {
        holders.removeAll { $0.id == holder }
        return advance()
    }

    /// All holders are lost. Whether the committed position moved.
    public mutating func removeAll() -> Bool {
        holders = []
        return advance()
    }

    /// A holder has every record up to and with `position`. Whether the committed position moved. Other terms, strangers
    /// and positions that were acknowledged before change nothing.
    public mutating func acknowledge(_ position: FeedPosition, by holder: NodeID) -> Bool {
        guard position.term == term, let index = holders.firstIndex(where: { $0.id == holder }) else { return false }
        let (before, isPastEnd) = position.number.addingReportingOverflow(1)
        holders[index].heldBefore = max(holders[index].heldBefore, isPastEnd ? .max : before)
        return advance()
    }

    /// Whether a holder is waited for.
    public func waits(for holder: NodeID) -> Bool { holders.contains { $0.id == holder } }

    /// Whether anybody but the gateway holds the feed.
    public var hasHolders: Bool { !holders.isEmpty }

    /// How many parts wait for a holder.
    public var waitingCount: Int { waiting.count - firstWaiting }

    private mutating func advance() -> Bool {
        let heldBefore = holders.reduce(UInt64.max) { min($0, $1.heldBefore) }
        let former = committed
        while firstWaiting < waiting.count, waiting[firstWaiting].position.number < heldBefore {
            committed = waiting[firstWaiting]
            firstWaiting += 1
        }
        if firstWaiting == waiting.count || firstWaiting >= 64 {
            waiting.removeFirst(firstWaiting)
            firstWaiting = 0
        }
        return committed != former
    }
}
