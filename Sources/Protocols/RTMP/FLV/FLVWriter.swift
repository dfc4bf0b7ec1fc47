// SPDX-License-Identifier: Apache-2.0

import Bytes

/// Tags to the bytes of an FLV file or of a live FLV over HTTP, Adobe FLV 10.1 annex E. Without memory: one tag's bytes
/// suit every viewer.
public struct FLVWriter: Hashable, Sendable {
    /// A writer.
    public init() {}

    /// The file's first 13 bytes.
    public func header(hasVideo: Bool, hasAudio: Bool) -> [UInt8] {
        let flags: UInt8 = (hasVideo ? 1 : 0) | (hasAudio ? 4 : 0)
        return Array("FLV".utf8) + [1, flags, 0, 0, 0, 9, 0, 0, 0, 0]
    }

    /// One tag with its size behind it; no bytes for a body longer than `MediaTag.maximumLength`, which can not be
    /// written.
    public func write(_ tag: MediaTag) -> [UInt8] {
        let length = tag.header.count + tag.payload.count
        guard length <= MediaTag.maximumLength else { return [] }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(length + 15)
        bytes.append(tag.kind.rawValue)
        bytes.append(bigEndian24: UInt32(truncatingIfNeeded: length))
        bytes.append(bigEndian24: tag.timestamp)
        bytes.append(UInt8(truncatingIfNeeded: tag.timestamp >> 24))
        bytes.append(bigEndian24: 0)
        bytes.append(contentsOf: tag.header)
        bytes.append(contentsOf: tag.payload)
        bytes.append(bigEndian: UInt32(truncatingIfNeeded: length + 11))
        return bytes
    }
}
