// SPDX-License-Identifier: Apache-2.0

extension UnsafeMutableRawBufferPointer {
    /// The same bytes, as protocols read them by their `span`.
    var octets: UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(start: baseAddress?.assumingMemoryBound(to: UInt8.self), count: count)
    }
}
