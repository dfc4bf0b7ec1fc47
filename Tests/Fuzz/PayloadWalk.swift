// SPDX-License-Identifier: Apache-2.0

import Bytes
import Media
import RTP

/// Feeds bytes as the payloads of packets: each begins with its length, and with whether it is lost, ends a picture or
/// begins one.
func walk(_ bytes: UnsafeBufferPointer<UInt8>, _ codec: RTPCodec) {
    var rest = Array(bytes)[...]
    var assembler = PictureAssembler(codec, longest: .kibibytes(64))
    var media = MediaFromRTP([ReceiveTrack(id: .video, source: ReceiveSource(media: 0), codec: codec.media)])
    var output: [PictureAssembler.Output] = []
    var events: [MediaFromRTP.Event] = []
    var (time, sequence) = (Int64(0), Int64(0))
    while let length = rest.popFirst(), let flags = rest.popFirst() {
        let payload = rest.prefix(Int(length))
        rest = rest.dropFirst(Int(length))
        _ = codec.beginsPicture(payload)
        _ = codec.beginsRandomAccess(payload)
        sequence += 1
        if flags & 2 != 0 { time += 3000 }
        if flags & 4 != 0 {
            assembler.lose(into: &output)
            media.lose(ReceiveSource(media: 0), now: .zero, into: &events)
        }
        assembler.receive(payload, timestamp: time, marker: flags & 1 != 0, into: &output)
        let packet = ReceivedPacket(
            source: ReceiveSource(media: 0), codec: codec, sequence: sequence, timestamp: time, marker: flags & 1 != 0,
            payload: payload)
        media.receive(packet, now: .zero, into: &events)
    }
    var made = 0
    for case .picture(let picture) in output { made += picture.payload.count }
    precondition(made <= bytes.count * 3, "pictures of \(made) bytes")
}
