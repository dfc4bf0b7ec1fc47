// SPDX-License-Identifier: Apache-2.0

public import Bytes

/// Frames of VP8 and VP9.
public enum VPFrame {
    /// Whether decoding can start at a frame, or at a superframe of VP9, as far as its first byte tells: RFC 6386 §9.1 and
    /// VP9 §7.2, `frame_type` behind the marker, the profile and `show_existing_frame`. False for all other codecs.
    public static func isKeyFrame(_ frame: ByteSlice, _ codec: Codec) -> Bool {
        guard let first = frame.first else { return false }
        switch codec {
        case .vp8: return first & 1 == 0
        case .vp9:
            guard first >> 6 == 2 else { return false }
            let isProfile3 = first & 0x30 == 0x30
            return (isProfile3 ? first >> 1 : first >> 2) & 3 == 0
        default: return false
        }
    }
}
