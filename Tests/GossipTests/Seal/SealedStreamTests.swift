// SPDX-License-Identifier: Apache-2.0

import Bytes
import Gossip
import Identity
import TestKit
import Testing

@Suite("A sealed stream")
struct SealedStreamTests {
    @Test("has the bytes that another implementation gives it, in pieces of any size", arguments: [1, 7, 100_000])
    func golden(length: Int) throws {
        var opener = Self.opener()
        var acceptor = Self.acceptor()
        let (fromOpener, fromAcceptor) = (try vector("sealed-stream-opener"), try vector("sealed-stream-acceptor"))
        var sent = Self.sent(opener.begin())
        let answered = try Self.feed(&acceptor, fromOpener, length)
        let answer = Self.sent(answered)
        #expect(answered.contains(.opened(Sample.node)))
        #expect(Self.received(answered) == (try vector("stream-digest")) + (try vector("stream-ping")))
        let heard = try Self.feed(&opener, fromAcceptor, length)
        #expect(heard.first == .opened(Sample.other))
        #expect(Self.received(heard) == (try vector("stream-state")))
        sent += opener.seal(try vector("stream-digest")[...]) + opener.seal(try vector("stream-ping")[...])
        #expect(sent.hex == fromOpener.hex)
        #expect((answer + acceptor.seal(try vector("stream-state")[...])).hex == fromAcceptor.hex)
    }

    @Test("carries much in records, in both directions")
    func large() throws {
        var opener = Self.opener()
        var acceptor = Self.acceptor()
        try Self.greet(&opener, &acceptor)
        let plain = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        #expect(Self.received(try Self.feed(&acceptor, opener.seal(plain[...]), 1000)) == plain)
        #expect(Self.received(try Self.feed(&opener, acceptor.seal(plain[...]), 50_000)) == plain)
        #expect(opener.seal([]).isEmpty)
    }

    @Test("opens for the acceptor only with a record of this connection")
    func replayedConnection() throws {
        var acceptor = SealedStreamSession.acceptor(
            SealSample.identity(Sample.other), keyring: Keyring(SealSample.key), using: &Self.anyRandom)
        #expect(try Self.failure(&acceptor, vector("sealed-stream-opener")) == SealFailure.forged)
        #expect(Self.failure(&acceptor, []) == SealFailure.forged)
    }

    @Test("does not take an answer to another hello, or its own words back")
    func replayedAnswer() throws {
        var opener = SealedStreamSession.opener(
            SealSample.identity(), keyring: Keyring(SealSample.key), using: &Self.anyRandom)
        #expect(try Self.failure(&opener, vector("sealed-stream-acceptor")) == SealFailure.forged)
        var reflected = Self.opener()
        #expect(try Self.failure(&reflected, vector("sealed-stream-opener")) == SealFailure.version)
    }

    @Test("does not take a record again, left out or out of turn")
    func order() throws {
        for script in [[0, 0], [1], [0, 2]] {
            var opener = Self.opener()
            var acceptor = Self.acceptor()
            try Self.greet(&opener, &acceptor)
            let records = (0..<3).map { opener.seal([$0]) }
            var failure: SealFailure?
            for index in script {
                do throws(SealFailure) { _ = try acceptor.receive(records[index][...]) } catch { failure = error }
            }
            #expect(failure == .forged, "\(script)")
        }
    }

    @Test("with any one bit of the greetings flipped does not open")
    func bitFlips() throws {
        let hello = Self.sent(Self.opener().begin())
        for bit in 0..<hello.count * 8 {
            var acceptor = Self.acceptor()
            var flipped = hello
            flipped[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect((try? acceptor.receive(flipped[...]))?.isEmpty ?? true, "bit \(bit)")
            let isOpen = acceptor.isOpen
            #expect(!isOpen, "bit \(bit)")
        }
        var acceptor = Self.acceptor()
        let answer = Self.sent(try acceptor.receive(hello[...]))
        for bit in 0..<answer.count * 8 {
            var opener = Self.opener()
            var flipped = answer
            flipped[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect((try? opener.receive(flipped[...]))?.isEmpty ?? true, "bit \(bit)")
            let isOpen = opener.isOpen
            #expect(!isOpen, "bit \(bit)")
        }
    }

    @Test("of strangers ends without a word")
    func strangers() {
        let cases: [(SealIdentity, ClusterKey, SealFailure)] = [
            (SealSample.identity(cluster: "other"), SealSample.key, .wrongCluster),
            (SealSample.identity(), SealSample.otherKey, .unknownKey),
        ]
        for (identity, key, failure) in cases {
            var random = SeededRandom(seed: 1)
            let opener = SealedStreamSession.opener(identity, keyring: Keyring(key), using: &random)
            var acceptor = Self.acceptor()
            #expect(Self.failure(&acceptor, Self.sent(opener.begin())) == failure)
        }
        var acceptor = Self.acceptor()
        #expect(Self.failure(&acceptor, Array("GET / HTTP/1.1\r\n".utf8)) == SealFailure.notOurs)
    }

    @Test("refuses a record over 16 KiB by its length")
    func records() throws {
        var opener = Self.opener()
        var acceptor = Self.acceptor()
        try Self.greet(&opener, &acceptor)
        #expect(Self.failure(&acceptor, [0x40, 0x11]) == SealFailure.tooLong)
        opener = Self.opener()
        acceptor = Self.acceptor()
        try Self.greet(&opener, &acceptor)
        #expect(Self.failure(&acceptor, [0, 16]) == SealFailure.tooShort)
    }

    private static var anyRandom: SeededRandom {
        get { SeededRandom(seed: 5) }
        set {}
    }

    private static func opener() -> SealedStreamSession {
        var random = CountingBytes(byte: 0)
        return .opener(SealSample.identity(), keyring: Keyring(SealSample.key), using: &random)
    }

    private static func acceptor() -> SealedStreamSession {
        var random = CountingBytes(byte: 128)
        return .acceptor(SealSample.identity(Sample.other), keyring: Keyring(SealSample.key), using: &random)
    }

    private static func greet(
        _ opener: inout SealedStreamSession, _ acceptor: inout SealedStreamSession
    ) throws {
        _ = try opener.receive(sent(try acceptor.receive(sent(opener.begin())[...]))[...])
    }

    private static func feed(
        _ session: inout SealedStreamSession, _ bytes: [UInt8], _ length: Int
    ) throws -> [SealedStreamSession.Directive] {
        var directives: [SealedStreamSession.Directive] = []
        for start in stride(from: 0, to: bytes.count, by: length) {
            directives += try session.receive(bytes[start..<min(start + length, bytes.count)])
        }
        return directives
    }

    private static func failure(_ session: inout SealedStreamSession, _ bytes: [UInt8]) -> SealFailure? {
        do throws(SealFailure) {
            _ = try session.receive(bytes[...])
            return nil
        } catch { return error }
    }

    private static func sent(_ directives: [SealedStreamSession.Directive]) -> [UInt8] {
        directives.flatMap { directive -> [UInt8] in if case .send(let bytes) = directive { bytes } else { [] } }
    }

    private static func received(_ directives: [SealedStreamSession.Directive]) -> [UInt8] {
        directives.flatMap { directive -> [UInt8] in if case .receive(let bytes) = directive { bytes } else { [] } }
    }
}
