// SPDX-License-Identifier: Apache-2.0

import WebRTC

/// What is read can be written, and reading that again gives the same.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzTrickleFragment(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    guard let fragment = try? TrickleFragment(parsing: bytes[...]) else { return 0 }
    let text = fragment.text
    guard let again = try? TrickleFragment(parsing: Array(text.utf8)[...]) else { preconditionFailure(text) }
    precondition(again == fragment, text)
    return 0
}
