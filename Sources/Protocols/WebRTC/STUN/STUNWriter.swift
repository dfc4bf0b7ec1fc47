// SPDX-License-Identifier: Apache-2.0

import Bytes
public import Cluster

/// Writes one message of STUN: attributes in the order of the calls, then `finish`.
public struct STUNWriter: Sendable {
    private var bytes: [UInt8] = []
    private let transaction: STUNTransactionID

    /// Begins a message.
    public init(_ kind: STUNMessageKind, transaction: STUNTransactionID) {
        self.transaction = transaction
        bytes.reserveCapacity(128)
        bytes.append(bigEndian: kind.rawValue)
        bytes.append(bigEndian: UInt16(0))
        bytes.append(bigEndian: STUNMessage.magicCookie)
        bytes.append(bigEndian: transaction.high)
        bytes.append(bigEndian: transaction.low)
    }

    /// USERNAME of a check: the two user name fragments, the receiver's first (RFC 8445 §7.1.1).
    public mutating func append(username: String) {
        append(STUNAttribute.username, Array(username.utf8))
    }

    /// PRIORITY of a check.
    public mutating func append(priority: UInt32) {
        header(STUNAttribute.priority, count: 4)
        bytes.append(bigEndian: priority)
    }

    /// ICE-CONTROLLED or ICE-CONTROLLING of a check.
    public mutating func append(role: STUNRole) {
        switch role {
        case .controlled(let tieBreaker):
            header(STUNAttribute.iceControlled, count: 8)
            bytes.append(bigEndian: tieBreaker)
        case .controlling(let tieBreaker):
            header(STUNAttribute.iceControlling, count: 8)
            bytes.append(bigEndian: tieBreaker)
        }
    }

    /// USE-CANDIDATE of a check: nominates the path.
    public mutating func appendUseCandidate() { header(STUNAttribute.useCandidate, count: 0) }

    /// XOR-MAPPED-ADDRESS of an answer.
    public mutating func append(mappedAddress endpoint: Endpoint) {
        let port = endpoint.port ^ UInt16(truncatingIfNeeded: STUNMessage.magicCookie >> 16)
        switch endpoint.address {
        case .v4(let number):
            header(STUNAttribute.xorMappedAddress, count: 8)
            bytes.append(bigEndian: UInt16(1))
            bytes.append(bigEndian: port)
            bytes.append(bigEndian: number ^ STUNMessage.magicCookie)
        case .v6(let upper, let lower):
            header(STUNAttribute.xorMappedAddress, count: 20)
            bytes.append(bigEndian: UInt16(2))
            bytes.append(bigEndian: port)
            bytes.append(bigEndian: upper ^ transaction.mask.0)
            bytes.append(bigEndian: lower ^ transaction.mask.1)
        }
    }

    /// ERROR-CODE of a refusal, without a reason in words: nobody reads it, and answers are to be short.
    public mutating func append(errorCode: Int) {
        precondition((300...699).contains(errorCode), "error \(errorCode)")
        header(STUNAttribute.errorCode, count: 4)
        bytes += [0, 0, UInt8(errorCode / 100), UInt8(errorCode % 100)]
    }

    /// UNKNOWN-ATTRIBUTES of the refusal 420.
    public mutating func append(unknownAttributes types: [UInt16]) {
        var value: [UInt8] = []
        for type in types { value.append(bigEndian: type) }
        append(STUNAttribute.unknownAttributes, value)
    }

    /// An attribute of any type, padded with zeros.
    public mutating func append(_ type: UInt16, _ value: [UInt8]) {
        precondition(value.count <= 0xFFF, "an attribute of \(value.count) bytes")
        header(type, count: value.count)
        bytes += value
        bytes += repeatElement(0, count: (4 - value.count & 3) & 3)
    }

    /// The message, with MESSAGE-INTEGRITY under `key` if there is one, and FINGERPRINT.
    public consuming func finish(key: STUNIntegrityKey?) -> [UInt8] {
        if let key {
            let code = key.code(of: bytes.span)
            append(STUNAttribute.messageIntegrity, code)
        }
        setLength(bytes.count - STUNMessage.headerLength + STUNFingerprint.length)
        let fingerprint = STUNFingerprint.of(bytes.span)
        header(STUNAttribute.fingerprint, count: 4)
        bytes.append(bigEndian: fingerprint)
        return bytes
    }

    private mutating func header(_ type: UInt16, count: Int) {
        bytes.append(bigEndian: type)
        bytes.append(bigEndian: UInt16(truncatingIfNeeded: count))
    }

    private mutating func setLength(_ length: Int) {
        bytes[2] = UInt8(truncatingIfNeeded: length >> 8)
        bytes[3] = UInt8(truncatingIfNeeded: length)
    }
}
