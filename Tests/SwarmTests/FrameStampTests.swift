// SPDX-License-Identifier: Apache-2.0

import Bytes
import Swarm
import Testing

@Suite("A stamp on a picture") struct FrameStampTests {
    @Test("tells the time, and leaves the length and the beginning as they were", arguments: [128, 129, 5000])
    func roundTrip(_ length: Int) {
        let unit: ByteSlice = (0..<length).map { UInt8(truncatingIfNeeded: $0) }[...]
        let stamped = FrameStamp.write(.nanoseconds(12_345_678_901_234), over: unit)
        #expect(stamped.count == length)
        #expect(stamped.prefix(length - 16).elementsEqual(unit.prefix(length - 16)))
        #expect(FrameStamp.read(stamped) == .nanoseconds(12_345_678_901_234))
        #expect(FrameStamp.read(unit) == nil)
    }

    @Test("tells when the unit was due, where more than the timer kept it from being written")
    func lateness() {
        let now = Duration.seconds(9)
        func time(_ late: Duration) -> Duration { FrameStamp.time(now: now, late: late, step: .milliseconds(5)) }
        #expect(time(.zero) == now)
        #expect(time(.milliseconds(10)) == now)
        #expect(time(.milliseconds(11)) == now - .milliseconds(11))
        #expect(time(.seconds(2)) == now - .seconds(2))
    }

    @Test("is not written over a unit without room for it, nor read where it is cut", arguments: 0..<128)
    func short(_ length: Int) {
        let unit: ByteSlice = [UInt8](repeating: 7, count: length)[...]
        #expect(FrameStamp.write(.seconds(1), over: unit) == unit)
        let stamped = FrameStamp.write(.seconds(1), over: [UInt8](repeating: 7, count: 128)[...])
        #expect(FrameStamp.read(stamped.prefix(length)) == nil)
    }

    @Test("is found wherever it stands in media, the first of several", arguments: [0, 1, 7, 8, 4096])
    func search(_ before: Int) {
        let unit = [UInt8](repeating: 7, count: 128)[...]
        let media = [UInt8](repeating: 0xE9, count: before) + FrameStamp.write(.seconds(1), over: unit)
        #expect(FrameStamp.first(in: (media + FrameStamp.write(.seconds(2), over: unit))[...]) == .seconds(1))
        #expect(FrameStamp.first(in: media.dropLast()) == nil)
        #expect(FrameStamp.first(in: []) == nil)
    }
}
