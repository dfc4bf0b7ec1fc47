// SPDX-License-Identifier: Apache-2.0

import Bytes
import Relay

/// Bytes are frames or are refused, and a frame has one encoding, however its bytes arrive.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = Array(UnsafeBufferPointer(start: bytes, count: count))
    let whole = frames(input, piece: .max)
    precondition(
        input.starts(with: whole.reduce(into: []) { RelayFrameEncoder().append($1, to: &$0) }), "another encoding")
    precondition(frames(input, piece: 7) == whole, "other frames when they come in pieces")
    return 0
}

private func frames(_ input: [UInt8], piece: Int) -> [RelayFrame] {
    var decoder = RelayFrameDecoder()
    var frames: [RelayFrame] = []
    var rest = input[...]
    while !rest.isEmpty {
        decoder.receive(rest.prefix(piece))
        rest = rest.dropFirst(piece)
        do { while let frame = try decoder.next(longest: .mebibytes(1)) { frames.append(frame) } } catch {
            return frames
        }
    }
    return frames
}
