// SPDX-License-Identifier: Apache-2.0

/// The class and method of a message, RFC 8489 §5. Only the method Binding is ours; TURN's methods never come here.
public enum STUNMessageKind: UInt16, Hashable, Sendable, CaseIterable {
    /// A check.
    case bindingRequest = 0x0001
    /// A keepalive, which nobody answers.
    case bindingIndication = 0x0011
    /// The answer to a check.
    case bindingSuccess = 0x0101
    /// The refusal of a check.
    case bindingError = 0x0111
}

/// What joins an answer to its request: 96 random bits, RFC 8489 §5.
public struct STUNTransactionID: Hashable, Sendable {
    let high: UInt32
    let low: UInt64

    /// A transaction of its bits.
    public init(high: UInt32, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// A new transaction.
    public static func random(using random: inout some RandomNumberGenerator) -> STUNTransactionID {
        STUNTransactionID(high: random.next(), low: random.next())
    }
}

/// Which end of the connection decides, as a check claims it (RFC 8445 §7.1.2), with the number that settles a conflict.
public enum STUNRole: Hashable, Sendable {
    /// The sender leaves the choice to us.
    case controlled(tieBreaker: UInt64)
    /// The sender chooses.
    case controlling(tieBreaker: UInt64)
}

/// Why bytes are no message of STUN.
public enum STUNFailure: Error, Hashable, Sendable, CaseIterable {
    /// An attribute that does not fit into the message, or whose length is wrong for its type.
    case attribute
    /// The CRC does not fit.
    case fingerprint
    /// First bits, cookie or length are not those of a message.
    case header
    /// A method other than Binding.
    case method
}

/// The types of attributes, RFC 8489 §18.3 and RFC 8445 §16.1. Below 0x8000 a reader must know them.
enum STUNAttribute {
    static let username: UInt16 = 0x0006
    static let messageIntegrity: UInt16 = 0x0008
    static let errorCode: UInt16 = 0x0009
    static let unknownAttributes: UInt16 = 0x000A
    static let realm: UInt16 = 0x0014
    static let nonce: UInt16 = 0x0015
    static let messageIntegritySHA256: UInt16 = 0x001C
    static let xorMappedAddress: UInt16 = 0x0020
    static let priority: UInt16 = 0x0024
    static let useCandidate: UInt16 = 0x0025
    static let firstOptional: UInt16 = 0x8000
    static let software: UInt16 = 0x8022
    static let fingerprint: UInt16 = 0x8028
    static let iceControlled: UInt16 = 0x8029
    static let iceControlling: UInt16 = 0x802A

    /// Whether a message that bears the attribute can be answered as if it was not there.
    static func isUnderstood(_ type: UInt16) -> Bool {
        switch type {
        case username, messageIntegrity, errorCode, unknownAttributes, realm, nonce, messageIntegritySHA256,
            xorMappedAddress, priority, useCandidate:
            true
        default: type >= firstOptional
        }
    }
}
