// SPDX-License-Identifier: Apache-2.0

import CZlib

/// FINGERPRINT, RFC 8489 §14.7: tells STUN from what only looks like it.
enum STUNFingerprint {
    /// The CRC-32 (ITU V.42) of `bytes`, mixed so that no other protocol's CRC fits.
    static func of(_ bytes: Span<UInt8>) -> UInt32 {
        bytes.withUnsafeBufferPointer { bytes in
            UInt32(truncatingIfNeeded: crc32(0, bytes.baseAddress, uInt(truncatingIfNeeded: bytes.count))) ^ 0x5354_554E
        }
    }

    /// The attribute's length with its header.
    static let length = 8
}
