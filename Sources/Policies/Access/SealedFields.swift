// SPDX-License-Identifier: Apache-2.0

/// The form that all tokens share: fields, a seal and a proof.
///
/// The seal is an authentication code of the fields alone and shows that we wrote them; the proof, 128 bits, covers
/// fields, seal and the subject that the token is bound to. Only the proof admits. The seal tells a person who uses a
/// good token on the wrong stream from one who guesses.
struct SealedFields: Equatable, Sendable {
    let fields: [UInt8]
    private let seal: [UInt8]
    private let proof: [UInt8]

    /// Seals `fields` for `subject`.
    init(_ fields: [UInt8], for subject: String, sealLength: Int, key: [UInt8]) {
        self.fields = fields
        seal = Self.seal(fields, length: sealLength, key: key)
        proof = Self.proof(fields + seal, subject: subject, key: key)
    }

    /// Splits the bytes of a token whose length is known to be right.
    init(_ bytes: [UInt8], fieldsLength: Int) {
        precondition(bytes.count > fieldsLength + Self.proofLength, "a token of \(bytes.count) bytes has no seal")
        fields = Array(bytes.prefix(fieldsLength))
        seal = Array(bytes.dropFirst(fieldsLength).dropLast(Self.proofLength))
        proof = Array(bytes.suffix(Self.proofLength))
    }

    /// All bytes in the order in which they travel.
    var bytes: [UInt8] { fields + seal + proof }

    /// Returns if these fields were sealed for `subject` with `key`.
    func verify(for subject: String, key: [UInt8]) throws(TokenFailure) {
        if constantTimeEqual(proof, Self.proof(fields + seal, subject: subject, key: key)) { return }
        let ours = constantTimeEqual(seal, Self.seal(fields, length: seal.count, key: key))
        throw ours ? .wrongStream : .forged
    }

    private static func seal(_ fields: [UInt8], length: Int, key: [UInt8]) -> [UInt8] {
        Array(authenticationCode(key: key, [0] + fields).prefix(length))
    }

    private static func proof(_ sealed: [UInt8], subject: String, key: [UInt8]) -> [UInt8] {
        Array(authenticationCode(key: key, [1] + sealed + Array(subject.utf8)).prefix(proofLength))
    }

    private static let proofLength = 16
}
