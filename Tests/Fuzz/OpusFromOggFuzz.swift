// SPDX-License-Identifier: Apache-2.0

import Bytes
import Sound

/// Reads arbitrary bytes as Opus in Ogg, in two pieces; must never trap, nor give more than it was given.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = Array(UnsafeBufferPointer(start: bytes, count: count))
    var decoder = OpusFromOgg()
    var given = 0
    for piece in [input.prefix(count / 3), input.dropFirst(count / 3)] {
        decoder.append(piece)
        guard let packets = try? decoder.packets() else { return 0 }
        given += packets.reduce(0) { $0 + $1.payload.count }
    }
    precondition(given <= count, "\(given) bytes of \(count)")
    return 0
}
