// SPDX-License-Identifier: Apache-2.0

import Datagrams
import Telemetry
import WebRTC

/// What comes over connections of TCP.
extension RealTimeLoop {
    /// Takes packets that lie behind one another.
    func receive(_ packets: [UInt8], lengths: [Int], on way: StreamWay, now: Duration) {
        var packets = packets
        packets.withUnsafeMutableBytes { all in
            var start = 0
            for length in lengths {
                receive(UnsafeMutableRawBufferPointer(rebasing: all[start..<start + length]), on: way, now: now)
                start += length
            }
        }
    }

    /// A connection is a session's.
    func admit(_ way: StreamWay, _ connection: SecureConnection) {
        streams[ObjectIdentifier(way)] = connection
        way.admitted()
    }

    /// A check on a connection was worth nothing, or for nobody. One that is no session's is closed.
    func refuse(_ way: StreamWay) {
        if streams[ObjectIdentifier(way)] == nil { way.close() }
    }

    /// A session wants a connection no more.
    func forget(_ way: StreamWay) {
        streams[ObjectIdentifier(way)] = nil
        way.close()
    }

    /// A connection is gone. Its session may come by another, until its consent ends.
    func lost(_ way: StreamWay, now: Duration) {
        streams.removeValue(forKey: ObjectIdentifier(way))?.lost(way)
    }

    /// The session of a connection was adopted by another thread meanwhile.
    func handOver(_ bytes: UnsafeMutableRawBufferPointer, on way: StreamWay, to thread: Int) {
        metrics.forwarded.add()
        way.move(to: thread)
        let copy = Array(bytes)
        threads.submit(to: thread) { loop, now in loop.receive(copy, lengths: [copy.count], on: way, now: now) }
    }

    private func receive(_ bytes: UnsafeMutableRawBufferPointer, on way: StreamWay, now: Duration) {
        let kind = DatagramKind(of: bytes.octets.span)
        switch kind {
        case .stun: receiveCheck(bytes, from: way.peer, via: nil, on: way, now: now)
        case .unknown: metrics.dropped("unknown")
        case .dtls, .rtcp, .rtp:
            guard let connection = streams[ObjectIdentifier(way)] else { return metrics.dropped("stranger") }
            connection.receive(kind, bytes, from: way.peer, now: now)
        }
    }
}
