// SPDX-License-Identifier: Apache-2.0

import RTP

/// Bytes are RTCP or are refused, and what was read is written so that it reads the same.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = Array(UnsafeBufferPointer(start: bytes, count: count))
    var decoder = RTCPDecoder(input[...])
    while let packet = try? decoder.next() {
        if case .other = packet { continue }
        var again: [UInt8] = []
        RTCPEncoder.append(packet, to: &again)
        var second = RTCPDecoder(again[...])
        let read = try? second.next()
        if case .nack(let first) = packet, case .nack(let second)? = read {
            // A list that names a packet twice, or out of order, is written without that.
            precondition(Set(first.missing) == Set(second.missing), "other packets than \(first)")
        } else {
            precondition(read == packet, "another \(packet)")
        }
    }
    return 0
}
