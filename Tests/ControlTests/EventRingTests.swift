// SPDX-License-Identifier: Apache-2.0

import Cluster
import Control
import Media
import Testing

@Suite("An event ring")
struct EventRingTests {
    private func ring(of capacity: Int, holding count: Int) -> EventRing {
        var ring = EventRing(capacity: capacity)
        for number in 0..<count {
            ring.append(
                .member(FakeDesk.name("edge-\(number + 1)"), .alive, isDraining: false),
                at: WallTime(milliseconds: Int64(number)))
        }
        return ring
    }

    @Test("tells what came after a number", arguments: [0, 1, 3, 4, 5, 9, 100])
    func after(count: Int) {
        let ring = ring(of: 4, holding: count)
        #expect(ring.newest == UInt64(count))
        for asked in 0...count {
            let numbers = ring.events(after: UInt64(asked)).map(\.number)
            let first = max(asked, count - 4, 0)
            #expect(numbers == (first..<count).map { UInt64($0 + 1) }, "after \(asked) of \(count)")
        }
    }

    @Test("keeps each event under its number")
    func events() {
        for event in ring(of: 3, holding: 11).events(after: 0) {
            #expect(event.time.milliseconds == Int64(event.number) - 1)
            #expect(event.change == .member(FakeDesk.name("edge-\(event.number)"), .alive, isDraining: false))
        }
    }

    @Test("tells everything to whoever knows of more than there was")
    func restarted() {
        #expect(ring(of: 4, holding: 6).events(after: 7).map(\.number) == [3, 4, 5, 6])
        #expect(ring(of: 4, holding: 0).events(after: .max).isEmpty)
        #expect(ring(of: 4, holding: 2).events(after: .max).map(\.number) == [1, 2])
    }

    @Test("forgets all but the newest where it has room for one")
    func one() { #expect(ring(of: 1, holding: 5).events(after: 0).map(\.number) == [5]) }
}
