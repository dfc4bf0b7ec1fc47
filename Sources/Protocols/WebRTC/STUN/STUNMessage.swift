// SPDX-License-Identifier: Apache-2.0

public import Cluster

/// A message of STUN as RFC 8489 and ICE (RFC 8445 §7) use it, read without an allocation: texts stay where they are, the
/// message knows their place.
///
/// Reading checks the shape, and FINGERPRINT where there is one. It proves nothing about the sender, that is for
/// ``STUNIntegrityKey``. What stands behind MESSAGE-INTEGRITY is not protected by it and is not looked at, but for
/// FINGERPRINT (RFC 8489 §14.5).
public struct STUNMessage: Hashable, Sendable {
    /// Class and method.
    public let kind: STUNMessageKind
    /// Joins answer and request.
    public let transaction: STUNTransactionID
    /// The length of the whole message, in bytes.
    public let length: Int
    /// PRIORITY of a check.
    public private(set) var priority: UInt32?
    /// The role that the sender of a check claims.
    public private(set) var role: STUNRole?
    /// Whether a check nominates its path.
    public private(set) var hasUseCandidate = false
    /// XOR-MAPPED-ADDRESS of an answer: where the request came from.
    public private(set) var mappedAddress: Endpoint?
    /// ERROR-CODE of a refusal, 300 to 699.
    public private(set) var errorCode: Int?
    /// Whether the message ends with a FINGERPRINT; it fits, or the message would not have been read.
    public private(set) var hasFingerprint = false
    /// Whether there is an attribute that a reader must know and this one does not.
    public private(set) var hasUnknownAttributes = false
    /// Where USERNAME is.
    private(set) var username: Range<Int>?
    /// Where MESSAGE-INTEGRITY begins.
    private(set) var integrityOffset: Int?

    /// Reads the message that fills `bytes`.
    public init(parsing bytes: Span<UInt8>) throws(STUNFailure) {
        guard Self.hasShape(of: bytes) else { throw .header }
        guard let kind = STUNMessageKind(rawValue: bytes.uint16(at: 0)) else { throw .method }
        self.kind = kind
        length = bytes.count
        transaction = STUNTransactionID(high: bytes.uint32(at: 8), low: bytes.uint64(at: 12))
        var offset = Self.headerLength
        while offset < bytes.count {
            guard offset + 4 <= bytes.count else { throw .attribute }
            let count = Int(bytes.uint16(at: offset + 2))
            let value = offset + 4..<offset + 4 + count
            guard value.upperBound <= bytes.count else { throw .attribute }
            try read(bytes.uint16(at: offset), value, in: bytes)
            // Values are padded to four bytes; the sum of all is, so what is left is never less than the padding.
            offset = value.upperBound + (4 - count & 3) & 3
        }
    }

    /// Whether the first bits, the cookie and the length are those of a message.
    static func hasShape(of bytes: Span<UInt8>) -> Bool {
        bytes.count >= headerLength && bytes[0] & 0xC0 == 0 && bytes.uint32(at: 4) == magicCookie
            && bytes.count & 3 == 0 && Int(bytes.uint16(at: 2)) == bytes.count - headerLength
    }

    /// The types of the attributes that a reader must know and this one does not, for the answer 420.
    func unknownAttributes(in bytes: Span<UInt8>) -> [UInt16] {
        var types: [UInt16] = []
        var offset = Self.headerLength
        while offset + 4 <= integrityOffset ?? length {
            let type = bytes.uint16(at: offset)
            if !STUNAttribute.isUnderstood(type), !types.contains(type) { types.append(type) }
            offset += 4 + (Int(bytes.uint16(at: offset + 2)) + 3) & ~3
        }
        return types
    }

    static let headerLength = 20
    static let magicCookie: UInt32 = 0x2112_A442
}

extension STUNMessage {
    private mutating func read(_ type: UInt16, _ value: Range<Int>, in bytes: Span<UInt8>) throws(STUNFailure) {
        if type == STUNAttribute.fingerprint { return try readFingerprint(value, in: bytes) }
        guard integrityOffset == nil else { return }
        switch type {
        case STUNAttribute.errorCode: try readErrorCode(value, in: bytes)
        case STUNAttribute.iceControlled: role = .controlled(tieBreaker: try uint64(value, in: bytes))
        case STUNAttribute.iceControlling: role = .controlling(tieBreaker: try uint64(value, in: bytes))
        case STUNAttribute.messageIntegrity:
            guard value.count == STUNIntegrityKey.codeLength else { throw .attribute }
            integrityOffset = value.lowerBound - 4
        case STUNAttribute.priority:
            guard value.count == 4 else { throw .attribute }
            priority = bytes.uint32(at: value.lowerBound)
        case STUNAttribute.useCandidate: hasUseCandidate = true
        case STUNAttribute.username: username = username ?? value
        case STUNAttribute.xorMappedAddress: try readMappedAddress(value, in: bytes)
        default: hasUnknownAttributes = hasUnknownAttributes || !STUNAttribute.isUnderstood(type)
        }
    }

    /// RFC 8489 §14.7: a CRC-32 of all before it, and nothing behind it.
    private mutating func readFingerprint(_ value: Range<Int>, in bytes: Span<UInt8>) throws(STUNFailure) {
        guard value.count == 4, value.upperBound == bytes.count else { throw .attribute }
        let expected = STUNFingerprint.of(bytes.extracting(0..<value.lowerBound - 4))
        guard bytes.uint32(at: value.lowerBound) == expected else { throw .fingerprint }
        hasFingerprint = true
    }

    /// RFC 8489 §14.8: the hundreds in three bits, the rest below a hundred.
    private mutating func readErrorCode(_ value: Range<Int>, in bytes: Span<UInt8>) throws(STUNFailure) {
        guard value.count >= 4 else { throw .attribute }
        let (hundreds, rest) = (Int(bytes[value.lowerBound + 2] & 7), Int(bytes[value.lowerBound + 3]))
        guard (3...6).contains(hundreds), rest < 100 else { throw .attribute }
        errorCode = hundreds * 100 + rest
    }

    /// RFC 8489 §14.2: the port and the address, mixed with the cookie and, in IPv6, the transaction.
    private mutating func readMappedAddress(_ value: Range<Int>, in bytes: Span<UInt8>) throws(STUNFailure) {
        let start = value.lowerBound
        guard value.count >= 8 else { throw .attribute }
        let port = bytes.uint16(at: start + 2) ^ UInt16(truncatingIfNeeded: Self.magicCookie >> 16)
        switch (bytes[start + 1], value.count) {
        case (1, 8):
            mappedAddress = Endpoint(address: .v4(bytes.uint32(at: start + 4) ^ Self.magicCookie), port: port)
        case (2, 20):
            let mask = transaction.mask
            let (upper, lower) = (bytes.uint64(at: start + 4) ^ mask.0, bytes.uint64(at: start + 12) ^ mask.1)
            mappedAddress = Endpoint(address: .v6(upper, lower), port: port)
        default: throw .attribute
        }
    }

    private func uint64(_ value: Range<Int>, in bytes: Span<UInt8>) throws(STUNFailure) -> UInt64 {
        guard value.count == 8 else { throw .attribute }
        return bytes.uint64(at: value.lowerBound)
    }
}

extension STUNTransactionID {
    /// What an address of IPv6 is mixed with.
    var mask: (UInt64, UInt64) { (UInt64(STUNMessage.magicCookie) << 32 | UInt64(high), low) }
}
