// SPDX-License-Identifier: Apache-2.0

import Bytes
import RTP

/// Whatever a publisher sends, packets of a source leave in their order, and the deadline is met by a tick. Each datagram
/// begins with its length, the time that passes and whether it is RTCP.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    var rest = Array(UnsafeBufferPointer(start: bytes, count: count))[...]
    var session = RTPReceiverSession(settings())
    var directives: [RTPReceiverSession.Directive] = []
    var now = Duration.zero
    var last: [ReceiveSource: Int64] = [:]
    while let length = rest.popFirst(), let head = rest.popFirst() {
        now += .milliseconds(Int64(head >> 1))
        let datagram = rest.prefix(Int(length))
        rest = rest.dropFirst(Int(length))
        if head & 1 == 0 {
            session.receive(rtp: datagram, now: now, into: &directives)
        } else {
            session.receive(rtcp: datagram, now: now, into: &directives)
        }
        session.tick(now: now, into: &directives)
        precondition(session.nextDeadline.map { $0 > now } ?? true, "a deadline that was met")
        for case .packet(let packet) in directives {
            precondition(last[packet.source].map { $0 < packet.sequence } ?? true, "\(packet) out of order")
            last[packet.source] = packet.sequence
        }
        directives.removeAll()
    }
    return 0
}

private func settings() -> ReceiveSettings {
    var video = ReceiveMedia(mid: "1", formats: [96: .codec(.vp8), 97: .retransmission(of: 96)])
    video.rids = ["l", "h"]
    video.feedback = [.nack, .pictureLoss]
    let audio = ReceiveMedia(mid: "0", formats: [111: .codec(.opus)])
    var settings = ReceiveSettings(media: [audio, video], source: 1)
    (settings.extensions.mid, settings.extensions.rid, settings.extensions.repairedRID) = (4, 10, 11)
    settings.extensions.transportSequence = 3
    return settings
}
