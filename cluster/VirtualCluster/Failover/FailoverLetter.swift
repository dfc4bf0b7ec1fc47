// SPDX-License-Identifier: Apache-2.0

import Cluster
import Identity
import Relay

/// What is under way to a node.
enum FailoverLetter {
    /// A node's answer to a question of ours.
    case answer(TermAnswer, from: Int, life: Int)
    /// A connection between nodes has ended.
    case closed(FailoverWire)
    /// Something new of the directory.
    case entry(StreamEntry)
    /// A publisher's connection brings something.
    case media(connection: Int, FailoverMedia.Content)
    /// Somebody asks about a term.
    case question(Term, from: Int, life: Int)
    /// A message on a connection between nodes.
    case relay(wire: Int, RelayMessage)
    /// A node that was asked is not there.
    case refused(by: Int, life: Int)
}

/// A connection between two nodes for one subscription, or for a copy.
struct FailoverWire {
    let number: Int
    let child: Int
    let parent: Int
    let path: RelayPath
    let isCopy: Bool
    /// The lives that it connects.
    let lives: (child: Int, parent: Int)
    var publisher: RelayPublisherSession?
    var isHolding = false
    /// Whether something was lost on it: nothing more arrives.
    var isTorn = false
    /// When the newest letter of each way arrives: the next comes no sooner.
    var newest: (up: Duration, down: Duration) = (.zero, .zero)
    var nextHeartbeat: Duration = .zero
}
