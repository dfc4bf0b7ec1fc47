// SPDX-License-Identifier: Apache-2.0

import Bytes
import Media

/// What a tag's body holds once its head is read.
struct MediaPacket {
    /// The codec as the tag says, which for H.264 is not always true.
    let codec: Codec
    let content: Content
    /// Whether the tag calls its picture a key frame.
    var isKeyFrame = false
    let body: ByteSlice

    enum Content {
        /// The codec's configuration record.
        case configuration
        /// A unit, and its composition time offset in milliseconds.
        case unit(Int32)
    }
}

/// Why a tag gives no unit.
enum TagFailure: Error {
    /// A command, metadata, the end of a sequence: legal, and not needed here.
    case notMedia
    /// A second, third … track.
    case otherTrack
    /// Cut short, or against the rules.
    case malformed
    /// Nothing can be made of its track.
    case fatal(RTMPFailure)
}

extension ByteReader {
    /// Reads, a short tag being a malformed one.
    mutating func read<Value>(
        _ field: (inout ByteReader) throws(Truncated) -> Value
    ) throws(TagFailure) -> Value {
        do throws(Truncated) { return try field(&self) } catch { throw .malformed }
    }
}
