// SPDX-License-Identifier: Apache-2.0

import Feed
import Identity
import Testing

@Suite("A commit tracker")
struct CommitTrackerTests {
    enum Event {
        case part(UInt64)
        case join(Int, from: UInt64)
        case lose(Int)
        case hold(Int, UInt64)
    }

    private static let term = Term(number: 3, salt: 1)
    private static let holders = ["gateway", "one", "two"].compactMap { NodeID(parsing: $0) }

    @Test(
        "commits what every holder has",
        arguments: [
            ("the gateway alone", [.part(4), .part(9)], [4, 9]),
            ("a standby that follows", [.join(1, from: 0), .part(4), .hold(1, 3), .hold(1, 4)], [nil, nil, nil, 4]),
            ("a standby that leaps", [.join(1, from: 0), .part(4), .part(9), .hold(1, 20)], [nil, nil, nil, 9]),
            ("a standby lost", [.join(1, from: 0), .part(4), .part(9), .lose(1)], [nil, nil, nil, 9]),
            (
                "a standby that counts from a later record",
                [.join(1, from: 6), .part(4), .part(9), .hold(1, 5), .hold(1, 9)], [nil, 4, 4, 4, 9]
            ),
            (
                "two holders, the slower decides",
                [.join(1, from: 0), .join(2, from: 0), .part(4), .hold(1, 4), .hold(2, 4)], [nil, nil, nil, nil, 4]
            ),
            (
                "an acknowledgement that goes back", [.join(1, from: 0), .part(4), .hold(1, 4), .hold(1, 2)],
                [nil, nil, 4, 4]
            ),
            ("a holder that joins late takes nothing back", [.part(4), .join(1, from: 9), .part(9)], [4, 4, 4]),
            ("a stranger", [.join(1, from: 0), .part(4), .hold(2, 4)], [nil, nil, nil]),
            ("the greatest number", [.join(1, from: 0), .part(4), .hold(1, .max)], [nil, nil, 4]),
        ] as [(String, [Event], [UInt64?])])
    func table(name: String, events: [Event], expected: [UInt64?]) {
        var tracker = CommitTracker(term: Self.term)
        for (event, expected) in zip(events, expected) {
            let before = tracker.committed
            let moved =
                switch event {
                case .part(let number): tracker.append(PartPosition(msn: number, part: 0), number: number)
                case .join(let holder, let number): join(&tracker, holder, number)
                case .lose(let holder): tracker.remove(Self.holders[holder])
                case .hold(let holder, let number):
                    tracker.acknowledge(FeedPosition(term: Self.term, number: number), by: Self.holders[holder])
                }
            #expect(tracker.committed?.position.number == expected, "\(name)")
            #expect(tracker.committed?.part.msn == expected, "\(name)")
            #expect(moved == (before != tracker.committed), "\(name)")
        }
    }

    private func join(_ tracker: inout CommitTracker, _ holder: Int, _ number: UInt64) -> Bool {
        tracker.add(Self.holders[holder], countingFrom: number)
        return false
    }

    @Test("does not take another term's acknowledgement")
    func otherTerm() {
        var tracker = CommitTracker(term: Self.term)
        tracker.add(Self.holders[1], countingFrom: 0)
        _ = tracker.append(PartPosition(msn: 1, part: 0), number: 5)
        let other = FeedPosition(term: Term(number: 4, salt: 0), number: 9)
        let moved = tracker.acknowledge(other, by: Self.holders[1])
        #expect(!moved)
        #expect(tracker.waitingCount == 1)
    }

    @Test("keeps nothing of what is committed")
    func bounded() {
        var tracker = CommitTracker(term: Self.term)
        tracker.add(Self.holders[1], countingFrom: 0)
        for number in 0..<10_000 as Range<UInt64> {
            _ = tracker.append(PartPosition(msn: number, part: 0), number: number)
            if number >= 100 {
                _ = tracker.acknowledge(FeedPosition(term: Self.term, number: number - 100), by: Self.holders[1])
            }
            #expect(tracker.waitingCount <= 101)
        }
        #expect(tracker.committed?.part.msn == 9899)
    }
}
