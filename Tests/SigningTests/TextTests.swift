// SPDX-License-Identifier: Apache-2.0

import Bytes
import Media
import Signing
import Testing

@Suite("What is signed")
struct TextTests {
    @Test("has times in each spelling")
    func times() {
        let time = WallTime(milliseconds: 1_369_353_600_999)
        #expect(time.basic == "20130524T000000Z")
        #expect(time.day == "20130524")
        #expect(time.extended == "2013-05-24T00:00:00Z")
        #expect(time.httpDate == "Fri, 24 May 2013 00:00:00 GMT")
    }

    @Test(
        "has the right day of the week",
        arguments: [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"), (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
            (1_795_256_430, "Sat, 21 Nov 2026 10:20:30 GMT"), (-86_400, "Wed, 31 Dec 1969 00:00:00 GMT"),
        ] as [(Int64, String)])
    func days(seconds: Int64, text: String) {
        #expect(WallTime(milliseconds: seconds * 1000).httpDate == text)
    }

    @Test("is escaped but for unreserved characters, and can be read again")
    func escapes() {
        #expect(PercentEncoding.component("a/b c+~é") == "a%2Fb%20c%2B~%C3%A9")
        #expect(PercentEncoding.path("a/b c") == "a/b%20c")
        #expect(PercentEncoding.decoded("a%2Fb%20c%2b~%C3%A9%zz%4") == "a/b c+~é%zz%4")
    }

    @Test("is hashed and coded as the standards' examples are")
    func digests() {
        // RFC 1321 §A.5, FIPS 180-4's examples, RFC 4231 §4.3.
        #expect(Digest.md5.hash("abc").hex == "900150983cd24fb0d6963f7d28e17f72")
        #expect(Digest.sha1.hash("abc").hex == "a9993e364706816aba3e25717850c26c9cd0d89d")
        #expect(
            Digest.sha256.hash("abc").hex == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(
            Digest.sha256.code(key: Array("Jefe".utf8), "what do ya want for nothing?").hex
                == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
    }
}
