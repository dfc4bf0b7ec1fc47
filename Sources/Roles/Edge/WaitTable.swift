// SPDX-License-Identifier: Apache-2.0

import Feed
import NIOCore
import Replica
import WebServer

/// Who waits on one event loop, grouped by what they wait for: a part's birth costs one decision a group, however many
/// wait in it.
final class WaitTable {
    /// Those who asked the same of the same stream within the same half second.
    final class Group {
        let question: Question
        let stream: EdgeStream
        let deadline: NIODeadline
        let list = WaitList()
        fileprivate(set) var until: PartPosition
        /// How often the node had come level when the group was last decided on.
        fileprivate(set) var levelings: UInt32

        fileprivate init(
            _ question: Question, _ stream: EdgeStream, until: PartPosition, levelings: UInt32, deadline: NIODeadline
        ) {
            self.levelings = levelings
            self.question = question
            self.stream = stream
            self.until = until
            self.deadline = deadline
        }
    }

    private struct Key: Hashable {
        let stream: ObjectIdentifier
        let question: Question
        let deadline: UInt64
    }

    private var groups: [ObjectIdentifier: [Key: Group]] = [:]

    var isEmpty: Bool { groups.isEmpty }

    /// Whether anybody waits for `replica`.
    func hasWaiters(of replica: StreamReplica) -> Bool { groups[ObjectIdentifier(replica)] != nil }

    /// Adds one who waits.
    func append(
        _ exchange: MediaExchange, asking question: Question, of stream: EdgeStream, until: PartPosition,
        levelings: UInt32, deadline: NIODeadline
    ) {
        let id = ObjectIdentifier(stream.replica)
        let probe = Key(stream: id, question: question, deadline: Self.step(deadline))
        if let group = groups[id]?[probe] { return group.list.append(exchange) }
        // The question's query is a slice of the loop's scratch bytes; a group keeps its own.
        let kept = question.kept
        let group = Group(kept, stream, until: until, levelings: levelings, deadline: deadline)
        groups[id, default: [:]][Key(stream: id, question: kept, deadline: Self.step(deadline))] = group
        group.list.append(exchange)
    }

    /// Puts a group back that must wait on.
    func putBack(_ group: Group, until: PartPosition, levelings: UInt32) {
        group.until = until
        group.levelings = levelings
        let id = ObjectIdentifier(group.stream.replica)
        groups[id, default: [:]][
            Key(stream: id, question: group.question, deadline: Self.step(group.deadline))] = group
    }

    /// Takes out one who is gone. Returns whether it waited here.
    func remove(_ exchange: MediaExchange) -> Bool { WaitList.leave(exchange) }

    /// Takes the groups that can be answered now.
    func takeReady(of replica: StreamReplica, outlook: Outlook) -> [Group] {
        take(ObjectIdentifier(replica)) { group in
            outlook.isOver || outlook.levelings != group.levelings || outlook.reach.map { group.until <= $0 } ?? false
        }
    }

    /// Takes the groups whose time is over.
    func takeExpired(now: NIODeadline) -> [Group] {
        groups.filter { $0.value.values.contains { $0.deadline <= now } }.keys.flatMap {
            take($0) { $0.deadline <= now }
        }
    }

    private func take(_ id: ObjectIdentifier, where isDue: (Group) -> Bool) -> [Group] {
        guard let held = groups[id] else { return [] }
        let due = held.filter { isDue($0.value) }
        guard !due.isEmpty else { return [] }
        groups[id] = due.count == held.count ? nil : held.filter { !isDue($0.value) }
        return Array(due.values)
    }

    private static func step(_ deadline: NIODeadline) -> UInt64 { deadline.uptimeNanoseconds / 500_000_000 }
}
