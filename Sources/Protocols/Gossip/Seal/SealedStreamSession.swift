// SPDX-License-Identifier: Apache-2.0

public import Bytes
public import Identity

/// A TCP stream between two members, sealed like their packets: whoever opens says hello with 32 random bytes, whoever
/// accepts answers with 32 of its own, and both derive two keys of those, one for each direction. So nothing of one
/// connection, or of one direction, can be played into another.
///
/// Both greetings bear a tag: a node without the key gets no answer. The opener's may be a replay, which is why its peer
/// counts as opened by the first record that opens, and never before. Then bytes travel in records of at most 16 KiB: a
/// length of two bytes, which is authenticated, ciphertext, tag; the counter of a direction is the nonce. Whoever has no
/// key makes a node hold at most one record.
///
/// TLS-PSK, as the relay has it, would answer strangers and could not run in the simulator; this is the keyring, the
/// cipher and the counters that packets have already. Like packets, streams are not secret from somebody who gets the
/// cluster's key later. See docs/decisions/0011.
public struct SealedStreamSession: ~Copyable {
    /// What the shell does next.
    public enum Directive: Hashable, Sendable {
        /// Write these bytes to the connection.
        case send([UInt8])
        /// The peer has shown that it has the key, on this connection. Comes once, before all that is received.
        case opened(NodeID)
        /// The next bytes of what the peer says.
        case receive([UInt8])
    }

    private enum State {
        /// The opener's, until the answer fits: then open.
        case greeting(StreamGreeting)
        /// The acceptor's, until a hello fits: then open.
        case waiting
        /// Until the connection ends or a record does not fit: then failed.
        case open(StreamKeys)
        /// For good.
        case failed(SealFailure)
    }

    private let identity: SealIdentity
    private let keyring: Keyring
    private let random: [UInt8]
    private var state: State
    private var buffer: [UInt8] = []

    /// The session of the one that opened the connection: ``begin()`` comes first.
    public static func opener(
        _ identity: SealIdentity, keyring: Keyring, using random: inout some RandomNumberGenerator
    ) -> SealedStreamSession {
        let nonce = StreamGreeting.nonce(using: &random)
        let greeting = StreamGreeting(identity: identity, key: keyring.inUse, nonce: nonce)
        return SealedStreamSession(identity, keyring, nonce, .greeting(greeting))
    }

    /// The session of the one that accepted the connection.
    public static func acceptor(
        _ identity: SealIdentity, keyring: Keyring, using random: inout some RandomNumberGenerator
    ) -> SealedStreamSession {
        SealedStreamSession(identity, keyring, StreamGreeting.nonce(using: &random), .waiting)
    }

    private init(_ identity: SealIdentity, _ keyring: Keyring, _ random: [UInt8], _ state: State) {
        self.identity = identity
        self.keyring = keyring
        self.random = random
        self.state = state
    }

    /// How many bytes ``seal(_:)`` makes of `count`.
    public static func sealedSize(of count: Int) -> Int {
        let records = (count + StreamKeys.recordSize - 1) / StreamKeys.recordSize
        return count + records * (2 + SealCipher.tagSize)
    }

    /// How many bytes the greeting of `sender` takes, a hello or an answer.
    public static func greetingSize(sender: NodeID) -> Int {
        PacketHeader.greetingSize + sender.description.utf8.count + StreamGreeting.nonceSize + SealCipher.tagSize
    }

    /// Whether ``seal(_:)`` may be called.
    public var isOpen: Bool {
        if case .open = state { true } else { false }
    }

    /// The opener's first words; none from an acceptor.
    public func begin() -> [Directive] {
        guard case .greeting(let greeting) = state else { return [] }
        return [.send(greeting.hello())]
    }

    /// What bytes of the connection lead to. After a failure the connection is to be closed without a word.
    public mutating func receive(_ bytes: ByteSlice) throws(SealFailure) -> [Directive] {
        buffer.append(contentsOf: bytes)
        do {
            return try directives()
        } catch {
            state = .failed(error)
            buffer = []
            throw error
        }
    }

    /// The records that carry `plain`. The session must be open.
    public mutating func seal(_ plain: ByteSlice) -> [UInt8] {
        guard case .open(var keys) = state else { preconditionFailure("sealing before the greetings: \(state)") }
        let records = keys.seal(plain)
        state = .open(keys)
        return records
    }
}

extension SealedStreamSession {
    private mutating func directives() throws(SealFailure) -> [Directive] {
        var directives: [Directive] = []
        var reader = ByteReader(buffer)
        while try step(&reader, &directives) {}
        buffer = Array(reader.rest)
        return directives
    }

    /// Takes what is whole; false where more bytes are needed.
    private mutating func step(_ reader: inout ByteReader, _ directives: inout [Directive]) throws(SealFailure) -> Bool
    {
        switch state {
        case .greeting(let greeting):
            guard let answer = try StreamHello.read(&reader, .answer, pool: identity.tag) else { return false }
            state = .open(try greeting.keys(from: answer))
            directives.append(.opened(answer.header.sender))
        case .waiting:
            guard let hello = try StreamHello.read(&reader, .hello, pool: identity.tag) else { return false }
            guard let key = keyring.key(hello.header.key) else { throw .unknownKey }
            let own = StreamGreeting(identity: identity, key: key, nonce: random)
            let keys = try own.keys(answering: hello)
            directives.append(.send(own.answer(with: keys)))
            state = .open(keys)
        case .open(var keys):
            guard let plain = try keys.open(&reader) else { return false }
            if let peer = keys.prove() { directives.append(.opened(peer)) }
            directives.append(.receive(plain))
            state = .open(keys)
        case .failed(let failure): throw failure
        }
        return true
    }
}
