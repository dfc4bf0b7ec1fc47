// SPDX-License-Identifier: Apache-2.0

import Bytes
import Identity

/// One side's part in the greetings of a sealed stream.
struct StreamGreeting {
    let identity: SealIdentity
    let key: ClusterKey
    let nonce: [UInt8]

    static let nonceSize = 32

    static func nonce(using random: inout some RandomNumberGenerator) -> [UInt8] {
        (0..<nonceSize).map { _ in random.next() }
    }

    /// A header, the nonce, and a tag over both under a key that is made of the nonce.
    func hello() -> [UInt8] {
        var bytes = greeting(.hello)
        let cipher = SealCipher(key: Self.helloKey(key, identity.pool, nonce), seals: true)
        cipher.seal([], counter: 0, header: 0, into: &bytes)
        return bytes
    }

    /// A header, the nonce, and the tag of the acceptor's direction over both, its counter 0.
    func answer(with keys: StreamKeys) -> [UInt8] {
        var bytes = greeting(.answer)
        keys.sign(&bytes)
        return bytes
    }

    /// The acceptor's keys, if the hello is of somebody who has the key.
    func keys(answering hello: StreamHello) throws(SealFailure) -> StreamKeys {
        let cipher = SealCipher(key: Self.helloKey(key, identity.pool, hello.nonce), seals: false)
        guard cipher.open(hello.tag, counter: 0, header: hello.authenticated) != nil else { throw .forged }
        return StreamKeys(
            key: key, salt: identity.pool + hello.nonce + nonce, opener: hello.header.sender,
            acceptor: identity.sender, isOpener: false)
    }

    /// The opener's keys, if the answer is to this hello and of somebody who has the key.
    func keys(from answer: StreamHello) throws(SealFailure) -> StreamKeys {
        guard answer.header.key == key.id else { throw .unknownKey }
        let keys = StreamKeys(
            key: key, salt: identity.pool + nonce + answer.nonce, opener: identity.sender,
            acceptor: answer.header.sender, isOpener: true)
        guard keys.verify(answer) else { throw .forged }
        return keys
    }

    private func greeting(_ kind: SealKind) -> [UInt8] {
        var bytes: [UInt8] = []
        identity.header(kind, key: key).append(to: &bytes)
        bytes.append(contentsOf: nonce)
        return bytes
    }

    private static func helloKey(_ key: ClusterKey, _ pool: [UInt8], _ nonce: [UInt8]) -> [UInt8] {
        derivedKey(from: key.bytes, salt: pool + nonce, info: Array("millrace gossip hello".utf8))
    }
}

/// A greeting taken apart, before anything of it is believed.
struct StreamHello {
    let header: PacketHeader
    let nonce: [UInt8]
    let authenticated: ByteSlice
    let tag: ByteSlice

    /// Reads a greeting; nil while it is not whole. What can not become one is refused at once.
    static func read(
        _ reader: inout ByteReader, _ kind: SealKind, pool: UInt32
    ) throws(SealFailure) -> StreamHello? {
        var ahead = reader
        do throws(SealFailure) {
            let header = try PacketHeader.read(&ahead, cluster: pool)
            guard header.kind == kind else { throw .version }
            guard let nonce = try? ahead.bytes(StreamGreeting.nonceSize) else { return nil }
            let authenticated = reader.rest[..<nonce.endIndex]
            guard let tag = try? ahead.bytes(SealCipher.tagSize) else { return nil }
            reader = ahead
            return StreamHello(header: header, nonce: Array(nonce), authenticated: authenticated, tag: tag)
        } catch {
            guard error == .tooShort else { throw error }
            return nil
        }
    }
}
