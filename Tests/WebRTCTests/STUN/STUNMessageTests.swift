// SPDX-License-Identifier: Apache-2.0

import Bytes
import Cluster
import TestKit
import Testing
import WebRTC

@Suite("A message of STUN")
struct STUNMessageTests {
    private static let key = STUNIntegrityKey(password: STUNVectors.password)

    @Test("is read as RFC 5769 §2.1 says")
    func request() throws {
        let bytes = STUNVectors.request
        let message = try STUNMessage(parsing: bytes)
        #expect(message.kind == .bindingRequest)
        #expect(message.transaction == STUNTransactionID(high: 0xB7E7_A701, low: 0xBC34_D686_FA87_DFAE))
        #expect(message.priority == 0x6E00_01FF)
        #expect(message.role == .controlled(tieBreaker: 0x932F_F9B1_5126_3B36))
        #expect(message.username(in: bytes) == "evtj:h6vY")
        #expect(message.hasFingerprint)
        #expect(!message.hasUseCandidate)
        #expect(!message.hasUnknownAttributes)
        #expect(Self.key.verifies(message, in: bytes))
        #expect(!STUNIntegrityKey(password: "VOkJxbRl1RmTxUk/WvJxBu").verifies(message, in: bytes))
    }

    @Test(
        "is read as RFC 5769 §2.2 and §2.3 say",
        arguments: [
            (STUNVectors.response, "192.0.2.1:32853"),
            (STUNVectors.responseV6, "[2001:db8:1234:5678:11:2233:4455:6677]:32853"),
        ])
    func response(bytes: [UInt8], address: String) throws {
        let message = try STUNMessage(parsing: bytes)
        #expect(message.kind == .bindingSuccess)
        #expect(message.mappedAddress?.description == address)
        #expect(message.hasFingerprint)
        #expect(Self.key.verifies(message, in: bytes))
    }

    @Test("is verified with a key of any kind, as in RFC 5769 §2.4")
    func longTerm() throws {
        let message = try STUNMessage(parsing: STUNVectors.longTerm)
        #expect(!message.hasFingerprint)
        #expect(STUNIntegrityKey(STUNVectors.longTermKey).verifies(message, in: STUNVectors.longTerm))
    }

    @Test("is written with the bytes of RFC 5769 §2.2, but for its padding and its SOFTWARE")
    func writing() throws {
        let message = try STUNMessage(parsing: STUNVectors.responseV6)
        var writer = STUNWriter(.bindingSuccess, transaction: message.transaction)
        writer.append(0x8022, Array("test vector".utf8))
        writer.append(mappedAddress: try #require(message.mappedAddress))
        let bytes = writer.finish(key: Self.key)
        #expect(bytes.count == STUNVectors.responseV6.count)
        // The padding is a blank there and a zero here, so the codes behind it differ.
        #expect(bytes[36...59] == STUNVectors.responseV6[36...59])
        let again = try STUNMessage(parsing: bytes)
        #expect(again.mappedAddress == message.mappedAddress)
        #expect(Self.key.verifies(again, in: bytes))
    }

    @Test("is signed under a long key as HMAC-SHA1 of Python signs it")
    func longKey() throws {
        let transaction = STUNTransactionID(high: 0x0001_0203, low: 0x0405_0607_0809_0A0B)
        let key = STUNIntegrityKey(Array(String(repeating: "0123456789", count: 8).utf8))
        let bytes = STUNWriter(.bindingRequest, transaction: transaction).finish(key: key)
        #expect(bytes[24..<44].hex == "93f13d0b4977c75ed912ab5073806406befafdc9")
    }

    @Test("comes back as it was written", arguments: 1...200 as ClosedRange<UInt64>)
    func roundTrip(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let transaction = STUNTransactionID.random(using: &random)
        let (priority, tieBreaker) = (UInt32.random(in: 0 ... .max, using: &random), random.next())
        let username = String(repeating: "u", count: Int.random(in: 1...40, using: &random))
        let address: IPAddress = Bool.random(using: &random) ? .v4(priority) : .v6(tieBreaker, random.next())
        let endpoint = Endpoint(address: address, port: UInt16.random(in: 0 ... .max, using: &random))
        var writer = STUNWriter(.bindingRequest, transaction: transaction)
        writer.append(username: username)
        writer.append(priority: priority)
        writer.append(role: .controlling(tieBreaker: tieBreaker))
        writer.appendUseCandidate()
        writer.append(mappedAddress: endpoint)
        let bytes = writer.finish(key: Self.key)
        let message = try STUNMessage(parsing: bytes)
        #expect(message.transaction == transaction, "seed \(seed)")
        #expect(message.username(in: bytes) == username, "seed \(seed)")
        #expect(message.priority == priority, "seed \(seed)")
        #expect(message.role == .controlling(tieBreaker: tieBreaker), "seed \(seed)")
        #expect(message.hasUseCandidate, "seed \(seed)")
        #expect(message.mappedAddress == endpoint, "seed \(seed)")
        #expect(Self.key.verifies(message, in: bytes), "seed \(seed)")
    }

    @Test("carries an error code", arguments: [300, 400, 420, 487, 500, 699])
    func errorCode(code: Int) throws {
        var writer = STUNWriter(.bindingError, transaction: STUNTransactionID(high: 1, low: 2))
        writer.append(errorCode: code)
        let bytes = writer.finish(key: nil)
        #expect(try STUNMessage(parsing: bytes).errorCode == code)
    }

    @Test("says whether it has attributes that its reader must know")
    func unknownAttributes() throws {
        for (type, isUnknown) in [(UInt16(0x7FFF), true), (0x0019, true), (0x001C, false), (0x8FFF, false)] {
            var writer = STUNWriter(.bindingRequest, transaction: STUNTransactionID(high: 1, low: 2))
            writer.append(type, [1, 2, 3])
            let bytes = writer.finish(key: Self.key)
            #expect(try STUNMessage(parsing: bytes).hasUnknownAttributes == isUnknown, "\(type)")
        }
    }

    @Test("is not believed behind its MESSAGE-INTEGRITY")
    func behindIntegrity() throws {
        let writer = STUNWriter(.bindingRequest, transaction: STUNTransactionID(high: 1, low: 2))
        var bytes = Array(writer.finish(key: Self.key).dropLast(8))
        // USE-CANDIDATE and an unknown attribute, appended by somebody on the way.
        bytes += [0, 0x25, 0, 0, 0x7F, 0xFF, 0, 0]
        bytes[3] = UInt8(bytes.count - 20)
        let message = try STUNMessage(parsing: bytes)
        #expect(Self.key.verifies(message, in: bytes))
        #expect(!message.hasUseCandidate)
        #expect(!message.hasUnknownAttributes)
    }

    @Test("is refused when it is cut", arguments: [STUNVectors.request, STUNVectors.response, STUNVectors.responseV6])
    func truncation(bytes: [UInt8]) {
        for count in 0..<bytes.count {
            let cut = Array(bytes.prefix(count))
            #expect(throws: STUNFailure.self) { try STUNMessage(parsing: cut) }
            guard count >= 20 else { continue }
            // With a length that fits it may be read, but then it is whole up to its MESSAGE-INTEGRITY, or not verified.
            var fitted = cut
            (fitted[2], fitted[3]) = (0, UInt8(count - 20))
            guard let message = try? STUNMessage(parsing: fitted) else { continue }
            #expect(!message.hasFingerprint, "\(count) bytes")
            #expect(Self.key.verifies(message, in: fitted) == (count == bytes.count - 8), "\(count) bytes")
        }
    }

    @Test("is refused, or not verified, when a bit of it is wrong")
    func bitFlips() {
        for bit in 0..<STUNVectors.request.count * 8 {
            var bytes = STUNVectors.request
            bytes[bit / 8] ^= 1 << UInt8(bit % 8)
            // Where the bit makes FINGERPRINT something else, there is none.
            guard let message = try? STUNMessage(parsing: bytes) else { continue }
            #expect(!message.hasFingerprint, "bit \(bit)")
            #expect(!Self.key.verifies(message, in: bytes) || bit >= (bytes.count - 8) * 8, "bit \(bit)")
        }
        for bit in 0..<STUNVectors.longTerm.count * 8 {
            var bytes = STUNVectors.longTerm
            bytes[bit / 8] ^= 1 << UInt8(bit % 8)
            guard let message = try? STUNMessage(parsing: bytes) else { continue }
            let key = STUNIntegrityKey(STUNVectors.longTermKey)
            #expect(!key.verifies(message, in: bytes), "bit \(bit)")
        }
    }

    @Test(
        "is refused, or has nothing in it, for absurd lengths",
        arguments: [0, 1, 3, 0x54, 0x5C, 0x7FFF, 0xFFFC, 0xFFFF])
    func lengths(length: Int) {
        var bytes = STUNVectors.request
        (bytes[2], bytes[3]) = (UInt8(length >> 8), UInt8(length & 0xFF))
        #expect(throws: STUNFailure.header) { try STUNMessage(parsing: bytes) }
        bytes = STUNVectors.request
        (bytes[22], bytes[23]) = (UInt8(length >> 8), UInt8(length & 0xFF))
        guard let message = try? STUNMessage(parsing: bytes) else { return }
        #expect(message.username(in: bytes) == nil && !Self.key.verifies(message, in: bytes))
    }

    @Test("is refused for other methods, such as TURN's", arguments: [UInt16(0x0003), 0x0004, 0x0008, 0x0016, 0x3FFF])
    func methods(type: UInt16) {
        var bytes = STUNVectors.request
        (bytes[0], bytes[1]) = (UInt8(type >> 8), UInt8(type & 0xFF))
        #expect(throws: STUNFailure.method) { try STUNMessage(parsing: bytes) }
    }
}
