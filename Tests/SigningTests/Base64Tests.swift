// SPDX-License-Identifier: Apache-2.0

import Signing
import TestKit
import Testing

@Suite("base64")
struct Base64Tests {
    @Test(
        "writes and reads the vectors of RFC 4648 §10",
        arguments: [
            ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ])
    func vectors(plain: String, text: String) {
        #expect(Base64.standard.text(Array(plain.utf8)) == text)
        #expect(Base64.standard.bytes(text) == Array(plain.utf8))
        #expect(Base64.url.text(Array(plain.utf8)) == text.filter { $0 != "=" })
    }

    @Test("has each alphabet's own last letters")
    func alphabets() {
        let bytes: [UInt8] = [0xFB, 0xFF, 0xBF, 0xFE]
        #expect(Base64.standard.text(bytes) == "+/+//g==")
        #expect(Base64.url.text(bytes) == "-_-__g")
        #expect(Base64.paddedURL.text(bytes) == "-_-__g==")
        #expect(Base64.cloudFront.text(bytes) == "-~-~~g__")
    }

    @Test("reads what it writes", arguments: 1...50)
    func roundTrip(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let bytes = (0..<Int.random(in: 0...70, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
        for base64 in [Base64.standard, .url, .paddedURL, .cloudFront] {
            #expect(base64.bytes(base64.text(bytes)) == bytes, "seed \(seed)")
        }
    }

    @Test("refuses what is none", arguments: ["A", "A===", "AB*D", "ABCDE", "Zg===", "Z g=", "é"])
    func refusals(text: String) {
        #expect(Base64.standard.bytes(text) == nil)
    }
}
