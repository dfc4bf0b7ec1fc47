// SPDX-License-Identifier: Apache-2.0

import Bytes
import Feed
import HLS
import Identity
import Media
import Relay
import Testing

/// A node as the simulator has it: what it holds of one stream, its subscription, and those of others at it.
final class RelayNode {
    let name: NodeID
    var feed: HeldFeed?
    var subscriber: RelaySubscriberSession?
    /// Nodes it may subscribe at.
    var parents: [Int]
    let isHolder: Bool
    let isSlow: Bool
    var isGateway = false
    var isDown = false
    /// What the records held have come to, up to the last mark.
    var summary: (at: FeedPosition, value: FeedSummary)?
    private var running: FeedSummary?
    /// When each path may try again.
    var retry: [RelayPath: Duration] = [:]
    /// By parent's path: why it was given up.
    var partings: [RelayParting] = []
    var appended = 0
    private(set) var levels = 0

    init(_ name: NodeID, parents: [Int] = [], isHolder: Bool = false, isSlow: Bool = false) {
        self.name = name
        self.parents = parents
        self.isHolder = isHolder
        self.isSlow = isSlow
    }

    static let stream: StreamID = {
        guard let stream = try? StreamID(app: "live", name: "cam") else { preconditionFailure("a name of ours") }
        return stream
    }()

    static let window = MediaWindowSettings(segments: 4)

    /// Takes a record in, and holds it against what must never happen.
    func append(_ record: FeedRecord, at position: FeedPosition) {
        if position != feed?.next { Issue.record("\(name) is given \(position)") }
        appended += 1
        feed?.append(record, at: position)
        running?.append(record)
        guard case .partEnd = record, let running else { return }
        summary = (FeedPosition(term: position.term, number: position.number + 1), running)
    }

    func begin(_ start: FeedStart) {
        if feed == nil {
            feed = HeldFeed(
                stream: Self.stream, settings: Self.window, term: start.position.term, checks: .verifies(oneIn: 1))
            if start.position.number == 0 { running = FeedSummary(firstSegment: 100) }
        }
        feed?.begin(start)
    }

    /// Begins as the gateway of a term.
    func take(_ term: Term, continuing summary: FeedSummary) {
        isGateway = true
        subscriber = nil
        running = summary
        if feed == nil {
            feed = HeldFeed(stream: Self.stream, settings: Self.window, term: term, checks: .states)
        } else {
            feed?.begin(
                FeedStart(position: FeedPosition(term: term, number: 0), continues: self.summary?.at))
        }
    }

    /// The machine dies and comes back with nothing.
    func restart() {
        feed = nil
        subscriber = nil
        running = nil
        summary = nil
    }
}
