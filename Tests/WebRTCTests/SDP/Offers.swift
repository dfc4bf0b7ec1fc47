// SPDX-License-Identifier: Apache-2.0

import Bytes
import Foundation
import TestKit
import WebRTC

/// The offers of Tests/Vectors/webrtc.
enum Offers {
    /// Of publishers.
    static let publishers = [
        "aiortc-publish", "chromium-publish", "chromium-simulcast", "ffmpeg-publish", "ffmpeg-publish-active",
        "firefox-publish", "gstreamer-publish", "obs-publish",
    ]
    /// Of viewers.
    static let viewers = ["aiortc-view", "chromium-view", "pion-view"]
    /// All.
    static let all = publishers + viewers

    /// The bytes of an offer.
    static func bytes(_ name: String, extension suffix: String = "sdp") throws -> [UInt8] {
        let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        return Array(try Data(contentsOf: tests.appendingPathComponent("Vectors/webrtc/\(name).\(suffix)")))
    }

    /// An offer.
    static func read(_ name: String) throws -> SessionDescription {
        try SessionDescription(parsing: bytes(name)[...])
    }

    /// An offer with some of its text replaced, everywhere.
    static func read(_ name: String, replacing old: String, by new: String) throws -> SessionDescription {
        let text = String(decoding: try bytes(name), as: UTF8.self)
        precondition(text.contains(old), "\(name) has no \(old)")
        return try SessionDescription(parsing: Array(text.replacingOccurrences(of: old, with: new).utf8)[...])
    }
}

/// What our side says in the tests.
func localTransport(seed: UInt64 = 1) -> LocalTransport {
    var random = SeededRandom(seed: seed)
    guard let fingerprint = SDPFingerprint(algorithm: .sha256, bytes: Array(0..<32)) else {
        preconditionFailure("32 bytes are a SHA-256")
    }
    return LocalTransport(
        credentials: .random(using: &random), fingerprint: fingerprint,
        candidates: ICECandidate.hosts(udp: [path(1).remote], tcp: [path(2).remote]))
}
