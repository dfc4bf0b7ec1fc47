// SPDX-License-Identifier: Apache-2.0

import Bytes
import TestKit
import Testing
import WebRTC

@Suite("A fragment that trickles")
struct TrickleFragmentTests {
    @Test("is read as RFC 9725 §4.3.1 writes it")
    func example() throws {
        let fragment = try TrickleFragment(parsing: Offers.bytes("trickle", extension: "sdpfrag")[...])
        let credentials = ICECredentials(fragment: "ysXw", password: "vw5LmwG4y/e6dPP/zAP9Gp5k")
        #expect(fragment.credentials == credentials)
        #expect(fragment.bundle == ["0", "1"] && fragment.mid == "0" && fragment.kind == .audio)
        #expect(fragment.iceOptions == ["trickle", "ice2"])
        #expect(fragment.candidates.count == 4 && fragment.hasEndOfCandidates)
        #expect(fragment.candidates.map(\.opening) == [nil, nil, .active, .active])
        #expect(try TrickleFragment(parsing: Array(fragment.text.utf8)[...]) == fragment)
    }

    @Test("may name its credentials for the whole session, and have no media")
    func sessionOnly() throws {
        let text = "a=ice-ufrag:EsAw\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\n"
        let fragment = try TrickleFragment(parsing: Array(text.utf8)[...])
        #expect(fragment.credentials == ICECredentials(fragment: "EsAw", password: "P2uYro0UCOQ4zxjKXaWCBui1"))
        #expect(try TrickleFragment(parsing: []) == TrickleFragment())
    }

    @Test("is refused with two different credentials")
    func different() {
        let text =
            "m=audio 9 RTP/SAVPF 0\na=ice-ufrag:a\na=ice-pwd:b\nm=video 9 RTP/SAVPF 0\na=ice-ufrag:a\na=ice-pwd:c\n"
        #expect(throws: SDPFailure.self) { try TrickleFragment(parsing: Array(text.utf8)[...]) }
    }

    @Test("that is cut or wrong comes back from its text, or is refused")
    func wrong() throws {
        let bytes = try Offers.bytes("trickle", extension: "sdpfrag")
        var random = SeededRandom(seed: 3)
        for count in 0...bytes.count {
            var wrong = Array(bytes.prefix(count))
            for turn in 0..<4 {
                if let fragment = try? TrickleFragment(parsing: wrong[...]) {
                    let again = try TrickleFragment(parsing: Array(fragment.text.utf8)[...])
                    #expect(again == fragment, "seed 3, \(count) bytes, turn \(turn)")
                }
                guard count > 0 else { break }
                wrong[Int.random(in: 0..<count, using: &random)] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            }
        }
    }
}
