// SPDX-License-Identifier: Apache-2.0

import RTP

/// A head is read within the bytes, of every packet that reads as RTP, and says the same of it; a probe that is read
/// writes the same bytes.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = Array(UnsafeBufferPointer(start: bytes, count: count))
    let (head, probe) = input.withUnsafeBytes { (RTPDatagramHead($0), SubscriberProbe($0)) }
    if let packet = try? RTPPacket(parsing: input[...]), !(192...223).contains(input[1]) {
        precondition(head?.source == packet.header.source, "another source than \(packet.header.source)")
        precondition(head?.isMarked == packet.header.marker, "another marker")
    }
    if let probe {
        var again = [UInt8](repeating: 0, count: SubscriberProbe.length)
        again.withUnsafeMutableBytes { probe.write(to: $0) }
        precondition(again == input, "another probe")
    }
    return 0
}
