// SPDX-License-Identifier: Apache-2.0

import Cluster
import Identity
import Relay

/// What is under way to a node.
enum FailoverLetter {
    /// A node's answer to a question of ours.
    case answer(TermAnswer, to: FailoverQuestion, from: Int)
    /// A connection between nodes has ended.
    case closed(FailoverWire)
    /// Something new of the directory.
    case entry(StreamEntry)
    /// A publisher's connection brings something.
    case media(connection: Int, FailoverMedia.Content)
    /// Somebody asks about a term.
    case question(FailoverQuestion)
    /// A message on a connection between nodes.
    case relay(wire: Int, RelayMessage)
    /// A node that was asked is not there.
    case refused(by: Int, life: Int)
    /// The store answers a question.
    case stored(Int, answer: VirtualRedis.Answer, life: Int)
    /// Another origin says that the store answers it.
    case storeAnswered
}

/// Who asks about which term, in which of its lives, and when.
struct FailoverQuestion {
    let term: Term
    let from: Int
    let life: Int
    let askedAt: Duration
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
    /// The ends that are no more, where the other end was not told.
    var gone: Set<Int> = []
    /// An end whose machine is gone with all that it had not sent yet.
    var lost: Int?
    /// What waits for the way to be free again, in order.
    var held: [(message: RelayMessage, upwards: Bool)] = []
    /// How much went one way while nothing came back to say that it arrived.
    var unanswered = 0
    /// When the newest letter of each way arrives: the next comes no sooner.
    var newest: (up: Duration, down: Duration) = (.zero, .zero)
    var nextHeartbeat: Duration = .zero

    /// Both its ends, the child first.
    var ends: [Int] { [child, parent] }

    func life(of end: Int) -> Int { end == child ? lives.child : lives.parent }
}
