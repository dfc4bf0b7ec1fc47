// SPDX-License-Identifier: Apache-2.0

import RTMP

/// What the body of a tag is for.
enum MediaRole: Sendable {
    /// Pictures or sound.
    case accessUnit
    /// What a decoder must know first.
    case configuration
    /// Script data.
    case metadata
    /// Anything else.
    case other
}

extension MediaMessage {
    /// From the first bytes of a tag's body: FLV 10.1 §E.4.2.1 and §E.4.3.1, Enhanced RTMP v2 for four-character codes.
    var role: MediaRole {
        guard let first = body.first, let second = body.dropFirst().first else { return .other }
        switch kind {
        case .data: return .metadata
        case .audio where first >> 4 == 9: return Self.role(packet: first & 15, units: [1])
        case .audio where first >> 4 == 10: return Self.role(packet: second, units: [1])
        case .audio: return .accessUnit
        case .video where first & 0x80 != 0: return Self.role(packet: first & 15, units: [1, 3])
        case .video: return Self.role(packet: second, units: [1])
        }
    }

    /// Whether a viewer may begin with this unit of video: its frame type is that of a keyframe.
    var isRandomAccess: Bool { body.first.map { $0 >> 4 & 7 == 1 } ?? false }

    private static func role(packet type: UInt8, units: [UInt8]) -> MediaRole {
        if type == 0 { return .configuration }
        return units.contains(type) ? .accessUnit : .other
    }
}
