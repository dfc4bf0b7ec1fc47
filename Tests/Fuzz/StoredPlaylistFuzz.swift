// SPDX-License-Identifier: Apache-2.0

import HLS

/// Reads arbitrary bytes as a playlist out of a store; what is taken reads back as it is written.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzStoredPlaylist(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let text = Array(UnsafeBufferPointer(start: start, count: count))
    guard let playlist = try? StoredPlaylist(parsing: text) else { return 0 }
    precondition((try? StoredPlaylist(parsing: playlist.text)) == playlist, "does not read back")
    return 0
}
