// SPDX-License-Identifier: Apache-2.0

import Feed

/// Bytes are a record or are refused, and a record has one encoding.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = Array(UnsafeBufferPointer(start: bytes, count: count))
    guard let record = try? FeedRecordDecoder().record(from: input[...]) else { return 0 }
    var again: [UInt8] = []
    FeedRecordEncoder().append(record, to: &again)
    precondition(again == input, "another encoding of \(record)")
    return 0
}
