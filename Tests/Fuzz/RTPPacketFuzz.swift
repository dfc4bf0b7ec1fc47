// SPDX-License-Identifier: Apache-2.0

import RTP

/// Bytes are a packet or are refused; its extensions are read within it, and what was read is written so that it reads
/// the same.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = Array(UnsafeBufferPointer(start: bytes, count: count))
    guard let packet = try? RTPPacket(parsing: input[...]) else { return 0 }
    var map = ExtensionMap()
    (map.mid, map.rid, map.transportSequence, map.absoluteSendTime, map.playoutDelay) = (1, 2, 3, 4, 5)
    _ = ExtensionValues(packet.extensions, map)
    let elements = packet.extensions.reduce(0) { $0 + 1 + $1.value.count }
    precondition(elements <= packet.extensions.bytes.count, "elements of \(elements) bytes")
    _ = packet.original(source: 1, payloadType: 2)
    var again: [UInt8] = []
    packet.append(to: &again)
    precondition(again.count <= count, "more bytes than were read")
    precondition((try? RTPPacket(parsing: again[...])) == packet, "another \(packet)")
    return 0
}
