// SPDX-License-Identifier: Apache-2.0

package import Bytes
package import Identity
package import Media

/// Reads the fields of a record; whatever the bytes say, it allocates no more than they are long.
package struct FieldReader {
    private var reader: ByteReader

    package init(_ bytes: ByteSlice) { reader = ByteReader(bytes) }

    package var isEmpty: Bool { reader.isEmpty }

    /// What is not yet read.
    package var rest: ByteSlice { reader.rest }

    package mutating func byte() throws(FeedFailure) -> UInt8 {
        do { return try reader.uint8() } catch { throw .truncated }
    }

    /// A track's number, 1 to 255.
    package mutating func track() throws(FeedFailure) -> TrackID {
        let number = try byte()
        guard number > 0 else { throw .malformed }
        return TrackID(number)
    }

    package mutating func flag() throws(FeedFailure) -> Bool {
        switch try byte() {
        case 0: false
        case 1: true
        default: throw .malformed
        }
    }

    /// LEB128 of up to 64 bits, in its shortest form.
    package mutating func number() throws(FeedFailure) -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 64, by: 7) {
            let byte = try byte()
            guard shift < 63 || byte <= 1 else { throw .malformed }
            value |= UInt64(byte & 0x7F) << shift
            guard byte >= 0x80 else {
                guard byte != 0 || shift == 0 else { throw .malformed }
                return value
            }
        }
        throw .malformed
    }

    package mutating func signed() throws(FeedFailure) -> Int64 {
        let value = try number()
        return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }

    /// A number of up to 32 bits.
    package mutating func small() throws(FeedFailure) -> UInt32 {
        guard let value = UInt32(exactly: try number()) else { throw .malformed }
        return value
    }

    package mutating func double() throws(FeedFailure) -> Double {
        do { return try reader.double() } catch { throw .truncated }
    }

    /// Four bytes, the most significant first.
    package mutating func fixed32() throws(FeedFailure) -> UInt32 {
        do { return try reader.uint32() } catch { throw .truncated }
    }

    /// So many bytes.
    package mutating func bytes(_ length: Int) throws(FeedFailure) -> ByteSlice {
        do { return try reader.bytes(length) } catch { throw .truncated }
    }

    /// How many entries follow; each takes a byte at least.
    package mutating func count() throws(FeedFailure) -> Int {
        let count = try number()
        guard count <= UInt64(reader.count) else { throw .truncated }
        return Int(truncatingIfNeeded: count)
    }

    package mutating func block() throws(FeedFailure) -> ByteSlice {
        let length = try count()
        do { return try reader.bytes(length) } catch { throw .truncated }
    }

    package mutating func text() throws(FeedFailure) -> String {
        guard let text = String(validating: try block(), as: UTF8.self) else { throw .malformed }
        return text
    }

    package mutating func rendition() throws(FeedFailure) -> RenditionName {
        guard let rendition = RenditionName(parsing: try text()) else { throw .malformed }
        return rendition
    }

    package mutating func times() throws(FeedFailure) -> [TrackTime] {
        var times: [TrackTime] = []
        for _ in 0..<(try count()) {
            times.append(TrackTime(track: try track(), ticks: try signed()))
        }
        return times
    }

    /// Seconds and attoseconds, of one sign, the latter less than a second.
    package mutating func duration() throws(FeedFailure) -> Duration {
        let seconds = try signed()
        let attoseconds = try signed()
        let second: Int64 = 1_000_000_000_000_000_000
        guard attoseconds > -second, attoseconds < second else { throw .malformed }
        guard seconds.signum() * attoseconds.signum() >= 0 else { throw .malformed }
        return Duration(secondsComponent: seconds, attosecondsComponent: attoseconds)
    }
}
