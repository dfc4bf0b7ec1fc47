// SPDX-License-Identifier: Apache-2.0

/// The server's side of the handshake, RTMP 1.0 §5.2.
///
/// S0, S1 and S2 go out together as soon as C1 is whole, because clients wait for S2 before they send C2. C2 is counted
/// and never compared: GStreamer's is no exact echo.
struct ServerHandshake {
    private var received: [UInt8] = []
    private var unreadC2 = Self.blockSize
    private let random: [UInt8]

    /// - Parameter random: at least 1528 bytes for S1.
    init(random: [UInt8]) {
        precondition(random.count >= Self.blockSize - 8, "\(random.count) random bytes for a handshake")
        self.random = random
        received.reserveCapacity(Self.blockSize + 1)
    }

    var isDone: Bool { unreadC2 == 0 }

    /// Takes bytes from the front of `input`, none beyond C2; returns S0 S1 S2 once.
    mutating func receive(_ input: inout UnsafeRawBufferPointer) throws(RTMPFailure) -> [UInt8]? {
        var answer: [UInt8]?
        let missing = Self.blockSize + 1 - received.count
        if missing > 0 {
            take(min(missing, input.count), from: &input)
            try checkVersion()
            guard received.count == Self.blockSize + 1 else { return nil }
            answer = self.answer(Array(received[1...]))
        }
        let count = min(unreadC2, input.count)
        unreadC2 -= count
        input.drop(count)
        return answer
    }

    private mutating func take(_ count: Int, from input: inout UnsafeRawBufferPointer) {
        received.append(contentsOf: UnsafeRawBufferPointer(rebasing: input[..<count]))
        input.drop(count)
    }

    /// Version 3 only. What commonly comes instead is told apart by its first two bytes.
    private func checkVersion() throws(RTMPFailure) {
        guard let first = received.first, first != Self.version else { return }
        switch first {
        case 0x16: throw .foreignProtocol(.tls)
        case 0x0D: throw .foreignProtocol(.proxy)
        case UInt8(ascii: "A")...UInt8(ascii: "Z"):
            guard received.count > 1 else { return }
            throw .foreignProtocol(received[0..<2] == Array("PR".utf8)[...] ? .proxy : .http)
        default: throw .version(first)
        }
    }

    private func answer(_ c1: [UInt8]) -> [UInt8] {
        let isPlain = c1[4..<8].allSatisfy { $0 == 0 }
        guard !isPlain, let scheme = HandshakeScheme.found(in: c1) else {
            return [Self.version] + [UInt8](repeating: 0, count: 8) + random.prefix(Self.blockSize - 8) + c1
        }
        return [Self.version] + signedS1(scheme) + signedS2(scheme.storedDigest(in: c1))
    }

    /// S1 with a server's version, which says that it is signed.
    private func signedS1(_ scheme: HandshakeScheme) -> [UInt8] {
        var block = [0, 0, 0, 0, 4, 5, 0, 1] + random.prefix(Self.blockSize - 8)
        scheme.sign(&block, key: HandshakeKey.server)
        return block
    }

    /// S2 ends in a digest of its own rest, under a key made of C1's digest.
    private func signedS2(_ clientDigest: [UInt8]) -> [UInt8] {
        let block = Array(random.prefix(Self.blockSize - 32))
        return block + hmacSHA256(block, key: hmacSHA256(clientDigest, key: HandshakeKey.fullServer))
    }

    static let version: UInt8 = 3
    static let blockSize = 1536
}
