// SPDX-License-Identifier: Apache-2.0

import Bytes
import WebRTC

/// Packets come out of a stream the same however its bytes come, are as their frames say, and the stream is what they are
/// written to, but for empty frames.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = Array(UnsafeBufferPointer(start: bytes, count: count))
    let whole = packets(input, piece: .max)
    precondition(packets(input, piece: 1) == whole, "other packets when they come byte by byte")
    precondition(packets(input, piece: 7) == whole, "other packets when they come in pieces")
    var again: [UInt8] = []
    for packet in whole {
        precondition(!packet.isEmpty && packet.count <= 1500, "a packet of \(packet.count) bytes")
        FramedPacketEncoder.append(packet, to: &again)
    }
    precondition(packets(again, piece: .max) == whole, "other packets when they are written again")
    return 0
}

private func packets(_ input: [UInt8], piece: Int) -> [[UInt8]] {
    var decoder = FramedPacketDecoder(maximumLength: 1500)
    var packets: [[UInt8]] = []
    var rest = input[...]
    while !rest.isEmpty {
        decoder.append(rest.prefix(piece))
        rest = rest.dropFirst(piece)
        do { while let packet = try decoder.next() { packets.append(Array(packet)) } } catch { return packets }
    }
    return packets
}
