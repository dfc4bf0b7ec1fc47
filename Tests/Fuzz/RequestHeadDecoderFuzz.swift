// SPDX-License-Identifier: Apache-2.0
// Sources: Sources/Rim/WebServer/ByteRange.swift Sources/Rim/WebServer/HTTPBytes.swift
// Sources: Sources/Rim/WebServer/RequestHead*.swift Sources/Rim/WebServer/RequestFieldReader.swift
// Sources: Sources/Rim/WebServer/RequestRefusal.swift

/// Whatever comes, the decoder refuses it, wants more, or finds a head that lies within it.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzRequestHeadDecoder(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    var decoder = RequestHeadDecoder(maximumLength: 16_384)
    if let head = try? decoder.decode(bytes.span) { precondition(head.length <= count, "\(head)") }
    return 0
}
