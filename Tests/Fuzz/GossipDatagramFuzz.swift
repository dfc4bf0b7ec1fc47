// SPDX-License-Identifier: Apache-2.0

import Gossip
import Identity

/// Bytes are a datagram or are refused, and what was read is written so that it reads the same.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = Array(UnsafeBufferPointer(start: bytes, count: count))
    var decoder = GossipDatagramDecoder()
    guard let sender = NodeID(parsing: "a"), let datagram = try? decoder.datagram(from: input[...], sender: sender)
    else { return 0 }
    var again: [UInt8] = []
    GossipDatagramEncoder().append(datagram, to: &again)
    precondition(again.count == datagram.encodedSize, "another size of \(datagram)")
    precondition(again.count <= input.count, "more bytes than were read: \(datagram)")
    precondition((try? decoder.datagram(from: again[...], sender: sender)) == datagram, "another \(datagram)")
    return 0
}
