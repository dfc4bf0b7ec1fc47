// SPDX-License-Identifier: Apache-2.0

import Access

/// What parses as a token must print as the same text.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzAccessToken(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let text = String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self)
    if let token = try? PublishToken(parsing: text) { precondition(token.text == text) }
    if let token = try? ViewerToken(parsing: text) { precondition(token.text == text) }
    if let token = try? ControlToken(parsing: text) { precondition(token.text == text) }
    return 0
}
