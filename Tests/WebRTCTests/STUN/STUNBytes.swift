// SPDX-License-Identifier: Apache-2.0

import WebRTC

// Expectations can not hold a span, so the tests hand in arrays.

extension STUNMessage {
    init(parsing bytes: [UInt8]) throws(STUNFailure) { try self.init(parsing: bytes.span) }

    func username(in bytes: [UInt8]) -> String? { username(in: bytes.span) }

    func localFragment(in bytes: [UInt8]) -> ICEFragment? { localFragment(in: bytes.span) }
}

extension STUNIntegrityKey {
    func verifies(_ message: STUNMessage, in bytes: [UInt8]) -> Bool { verifies(message, in: bytes.span) }
}

extension DatagramKind {
    init(of bytes: [UInt8]) { self.init(of: bytes.span) }
}
