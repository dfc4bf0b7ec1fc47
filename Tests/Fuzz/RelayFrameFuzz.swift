// SPDX-License-Identifier: Apache-2.0

import Bytes
import Relay

/// Bytes are frames, are passed over or are refused, and a frame has one encoding, however its bytes arrive.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = Array(UnsafeBufferPointer(start: bytes, count: count))
    let whole = frames(input, piece: .max)
    let again: [UInt8] = whole.frames.reduce(into: []) { RelayFrameEncoder().append($1, to: &$0) }
    precondition(whole.skipped > 0 || input.starts(with: again), "another encoding")
    precondition(frames(again, piece: .max).frames == whole.frames, "other frames when they are written")
    let pieces = frames(input, piece: 7)
    precondition(pieces.frames == whole.frames, "other frames when they come in pieces")
    precondition(pieces.skipped == whole.skipped, "others are passed over when they come in pieces")
    return 0
}

private func frames(_ input: [UInt8], piece: Int) -> (frames: [RelayFrame], skipped: Int) {
    var decoder = RelayFrameDecoder()
    var frames: [RelayFrame] = []
    var rest = input[...]
    while !rest.isEmpty {
        decoder.receive(rest.prefix(piece))
        rest = rest.dropFirst(piece)
        do { while let frame = try decoder.next(longest: .mebibytes(1)) { frames.append(frame) } } catch {
            return (frames, decoder.skippedFrames)
        }
    }
    return (frames, decoder.skippedFrames)
}
