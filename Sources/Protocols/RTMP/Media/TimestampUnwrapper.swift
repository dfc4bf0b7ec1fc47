// SPDX-License-Identifier: Apache-2.0

/// RTMP's 32-bit milliseconds as a time that never wraps, one for each track.
///
/// Steps and jumps stay as they are: whoever makes a timeline of them judges. Only what a counter does by running over is
/// undone: at 2^32, at 2^31 by writers that mask the sign, at 2^24 by writers that forget the fourth byte. A first time
/// just below 2^31 or 2^32 is a small negative one.
struct TimestampUnwrapper {
    private var last: (wire: UInt32, time: Int64)?

    /// The time of `wire`.
    /// - Parameter reference: where the stream's other track stands, which tells how to read a first time.
    mutating func unwrap(_ wire: UInt32, reference: Int64?) -> Int64 {
        let time: Int64
        if let last {
            time = last.time &+ Self.step(from: last.wire, to: wire)
        } else {
            time = Self.first(wire, reference: reference)
        }
        last = (wire, time)
        return time
    }

    /// The last time.
    var time: Int64? { last?.time }

    private static func first(_ wire: UInt32, reference: Int64?) -> Int64 {
        let value = Int64(wire)
        if let reference {
            for period in [0, 1 << 31, 1 << 32] as [Int64] where abs(value - period - reference) < near {
                return value - period
            }
        }
        if value > 1 << 32 - near { return value - 1 << 32 }
        if value < 1 << 31, value > 1 << 31 - near { return value - 1 << 31 }
        return value
    }

    private static func step(from last: UInt32, to wire: UInt32) -> Int64 {
        let step = Int64(Int32(bitPattern: wire &- last))
        if step > 1 << 31 - near { return step - 1 << 31 }
        if step < near - 1 << 31 { return step + 1 << 31 }
        if wire < near, last < 1 << 24, Int64(last) > 1 << 24 - near { return step + 1 << 24 }
        return step
    }

    /// How near to the edge a counter must be, in milliseconds: about a minute.
    private static let near: Int64 = 1 << 16
}
