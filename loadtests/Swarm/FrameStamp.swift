// SPDX-License-Identifier: Apache-2.0

public import Bytes

/// When a publisher sent a unit of video, written over the unit's last bytes, so that viewers on the same machine can
/// tell how long it was on its way. What is shown of it is spoilt a little; nobody who measures looks.
public enum FrameStamp {
    /// Writes a time over the end of a unit that has room for it.
    /// - Parameter now: monotonic time, of the same beginning for all processes of the machine.
    public static func write(_ now: Duration, over unit: ByteSlice) -> ByteSlice {
        guard unit.count >= shortest else { return unit }
        var bytes = Array(unit.dropLast(length))
        bytes.append(bigEndian: UInt64(bitPattern: nanoseconds(now)))
        bytes += mark
        return bytes[...]
    }

    /// The time to write: when the unit is written, or when it should have been where more than the steps of a timer kept
    /// it. What waits for a server that does not read is on its way already.
    /// - Parameters:
    ///   - now: when it is written.
    ///   - late: for how long it has been due.
    ///   - step: how often a publisher looks at what is due.
    public static func time(now: Duration, late: Duration, step: Duration) -> Duration {
        late > step * 2 ? now - late : now
    }

    /// The time that is written over the end of a unit; nil for none.
    public static func read(_ unit: ByteSlice) -> Duration? {
        guard unit.count >= length, unit.suffix(mark.count).elementsEqual(mark) else { return nil }
        let bits = unit.suffix(length).prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
        return .nanoseconds(Int64(bitPattern: bits))
    }

    /// The first time that is written anywhere in media, whatever holds it; nil for none, and where a container has cut it
    /// in two.
    public static func first(in media: ByteSlice) -> Duration? {
        media.withUnsafeBytes { bytes in
            let first = mark[0]
            var index = length - mark.count
            while index + mark.count <= bytes.count {
                if bytes[index] == first, bytes[index..<index + mark.count].elementsEqual(mark) {
                    let bits = bytes.loadUnaligned(fromByteOffset: index - 8, as: UInt64.self)
                    return .nanoseconds(Int64(bitPattern: UInt64(bigEndian: bits)))
                }
                index += 1
            }
            return nil
        }
    }

    private static func nanoseconds(_ time: Duration) -> Int64 {
        let (seconds, attoseconds) = time.components
        return seconds &* 1_000_000_000 &+ attoseconds / 1_000_000_000
    }

    /// Random, and without a zero, so that no decoder takes it for the beginning of a unit.
    private static let mark: [UInt8] = [0xE9, 0x5A, 0x17, 0xC3, 0x8E, 0x42, 0xB7, 0x6D]
    private static let length = 16
    /// The heads of what is stamped stay as they are.
    private static let shortest = 128
}
