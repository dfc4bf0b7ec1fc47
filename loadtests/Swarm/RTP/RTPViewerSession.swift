// SPDX-License-Identifier: Apache-2.0

import RTP

/// One viewer of plain RTP: it answers a server that asks whether packets are wanted, counts what comes and what is missing by
/// its numbers, and reads the publisher's stamps at the ends of pictures. Nothing is put together.
public struct RTPViewerSession: Sendable {
    private let began: Duration
    /// When the first packet came.
    private var first: Duration?
    private var source: UInt32?
    private var highest: Int64 = 0
    /// Which of the numbers up to the highest have come, the highest in the lowest bit.
    private var recent: UInt64 = .max
    private var pictures = PictureWatch()

    /// A viewer to whom nothing was sent.
    /// - Parameter due: when it was to begin.
    public init(due: Duration, tally: inout PlayTally) {
        began = due
        tally.joins += 1
    }

    /// Takes a datagram.
    /// - Returns: whether it is the question if packets are wanted, which the same bytes answer.
    public mutating func receive(_ datagram: UnsafeRawBufferPointer, now: Duration, tally: inout PlayTally) -> Bool {
        if SubscriberProbe(datagram) != nil { return true }
        guard datagram.count >= RTPHeader.length, datagram[0] >> 6 == 2 else {
            tally.badPackets += 1
            return false
        }
        // RFC 5761 §4: these are of RTCP.
        guard !(192...223).contains(datagram[1]), count(datagram, &tally) else { return false }
        tally.packets += 1
        tally.bytes += datagram.count
        if first == nil { begin(now: now, &tally) }
        // The last packet of a picture (RFC 6184 §5.1).
        if datagram[1] & 0x80 != 0 {
            tally.pictures += 1
            pictures.show(FrameStamp.read(Array(datagram.suffix(16))[...]), now: now, tally: &tally)
        }
        return false
    }

    /// The viewer has seen enough.
    public mutating func leave(now: Duration, tally: inout PlayTally) {
        guard let first else {
            tally.cutShort += 1
            tally.unserved += now - began >= PlayTally.longWait ? 1 : 0
            return
        }
        tally.left += 1
        tally.present += now - first
        pictures.finish(now: now, tally: &tally)
    }

    private mutating func begin(now: Duration, _ tally: inout PlayTally) {
        first = now
        tally.connected += 1
        tally.started += 1
        tally.connectTimes.add(now - began)
        tally.startTimes.add(now - began)
    }
}

// MARK: - Numbers

extension RTPViewerSession {
    /// False for a packet that has come before, or is so old that nobody knows.
    private mutating func count(_ datagram: UnsafeRawBufferPointer, _ tally: inout PlayTally) -> Bool {
        let number = UInt16(datagram[2]) << 8 | UInt16(datagram[3])
        let sender = datagram[8..<12].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        if source != sender {
            source = sender
            highest = Int64(number) - 1
            recent = .max
        }
        let ahead = WrappingCounter<UInt16>.number(number, near: highest) - highest
        return ahead > 0 ? advance(ahead, &tally) : fill(-ahead, &tally)
    }

    private mutating func advance(_ count: Int64, _ tally: inout PlayTally) -> Bool {
        highest += count
        // A shift by 64 and more leaves nothing.
        recent = recent << UInt64(count) | 1
        tally.lostPackets += Int(count) - 1
        return true
    }

    private mutating func fill(_ distance: Int64, _ tally: inout PlayTally) -> Bool {
        let bit = UInt64(1) << UInt64(distance)
        guard bit != 0, recent & bit == 0 else {
            tally.badPackets += 1
            return false
        }
        recent |= bit
        tally.lostPackets -= 1
        return true
    }
}
