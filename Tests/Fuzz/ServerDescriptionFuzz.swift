// SPDX-License-Identifier: Apache-2.0

import Bytes
import Media
import SecureMedia
import Swarm
import WebRTC

/// Gives a viewer of WHEP arbitrary bytes as its server's description, and as replies of Janus; must never trap.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    guard let fingerprint = CertificateFingerprint(bytes: Array(0..<32)),
        let api = HTTPAddress("http://127.0.0.1/janus")
    else { return 0 }
    let credentials = ICECredentials(fragment: "abcd", password: "0123456789012345678901")
    let party = LocalParty(credentials: credentials, fingerprint: fingerprint)
    if let description = try? SessionDescription(parsing: bytes[...]) {
        _ = try? RemoteParty(description, setup: .either)
        let answer = party.answer(to: description)
        precondition(answer.media.count == description.media.count, "every medium is answered")
    }
    var janus = JanusSignaling(api, mountpoint: 1)
    _ = janus.start(party)
    for piece in bytes.split(separator: 0, maxSplits: 6) {
        let answer = HTTPAnswer(status: 200, body: piece, size: .bytes(piece.count))
        guard (try? janus.receive(answer)) != nil else { break }
    }
    return 0
}
