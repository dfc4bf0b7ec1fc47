// SPDX-License-Identifier: Apache-2.0

import Media
import SecureMedia
import Testing

@Suite("A certificate's fingerprint")
struct CertificateFingerprintTests {
    private static let text =
        "4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:19:E5:7C:AB:4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF"

    @Test("is read and written as SDP has it")
    func roundTrip() throws {
        let fingerprint = try #require(CertificateFingerprint(parsing: Self.text))
        #expect(fingerprint.description == Self.text && fingerprint.bytes.count == 32)
        #expect(CertificateFingerprint(parsing: Self.text.lowercased()) == fingerprint)
        #expect(CertificateFingerprint(bytes: fingerprint.bytes) == fingerprint)
    }

    @Test("is nothing else")
    func refuses() {
        for count in 0..<Self.text.count { #expect(CertificateFingerprint(parsing: Self.text.prefix(count)) == nil) }
        let others = [
            Self.text + ":00", Self.text + ":", Self.text.replacing(":", with: ""),
            Self.text.replacing("4A", with: "4G"), Self.text.replacing("4A:AD", with: "4AA:D"), " " + Self.text,
            String(repeating: ":", count: 31),
        ]
        for other in others { #expect(CertificateFingerprint(parsing: other) == nil, "\(other)") }
        #expect(CertificateFingerprint(bytes: [1, 2, 3]) == nil)
    }

    @Test("is another for each identity")
    func identities() {
        let identities = (0..<3).map { DTLSIdentity.generate(now: WallTime(milliseconds: $0)) }
        #expect(Set(identities.map(\.fingerprint)).count == 3)
        #expect(identities[0].description == identities[0].fingerprint.description)
    }
}
