// SPDX-License-Identifier: Apache-2.0

import Bytes
import Swarm

/// Reads arbitrary bytes as HTTP answers; must never trap.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    var input = UnsafeRawBufferPointer(start: start, count: count)
    var decoder = HTTPAnswerDecoder()
    while let answer = try? decoder.next(&input) { precondition(answer.body.count == answer.size.bytes) }
    return 0
}
