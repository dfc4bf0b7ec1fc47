// SPDX-License-Identifier: Apache-2.0

import Bytes
import WebRTC

/// What is read can be written, and reading that again gives the same; an answer to it can be read as well.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzSDP(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    guard let offer = try? SessionDescription(parsing: bytes[...]) else { return 0 }
    verify(offer)
    guard let fingerprint = SDPFingerprint(algorithm: .sha256, bytes: Array(0..<32)),
        let fragment = ICEFragment(parsing: "abcdefgh")
    else { return 0 }
    let local = LocalTransport(
        credentials: ICELocalCredentials(fragment: fragment, password: "0123456789012345678901"),
        fingerprint: fingerprint, candidates: [])
    if let session = try? NegotiatedSession(publishing: offer, local: local, sessionID: 1) { verify(session.answer) }
    let tracks = [
        OutgoingTrack(codec: .h264, ssrc: 1, retransmissionSSRC: 2),
        OutgoingTrack(codec: .opus, ssrc: 3, retransmissionSSRC: 4),
    ]
    if let session = try? NegotiatedSession(viewing: offer, tracks: tracks, local: local, sessionID: 1) {
        verify(session.answer)
    }
    return 0
}

private func verify(_ description: SessionDescription) {
    let text = description.text
    // What stands for all formats or media is written for each, so a text may grow.
    var limits = SDPLimits()
    limits.length = .mebibytes(4)
    guard let again = try? SessionDescription(parsing: Array(text.utf8)[...], limits: limits) else {
        preconditionFailure("not read again: \(text)")
    }
    precondition(again == description, text)
}
