// SPDX-License-Identifier: Apache-2.0

/// The client's side of the handshake, plain, RTMP 1.0 §5.2.
struct ClientHandshake {
    private var received: [UInt8] = []

    /// C0 and C1. `random` has at least 1528 bytes.
    static func hello(random: [UInt8]) -> [UInt8] {
        precondition(random.count >= ServerHandshake.blockSize - 8, "\(random.count) random bytes for a handshake")
        return [ServerHandshake.version] + [UInt8](repeating: 0, count: 8)
            + random.prefix(ServerHandshake.blockSize - 8)
    }

    /// Takes bytes from the front of `input`, none beyond S2; returns C2 once, when all have come.
    mutating func receive(_ input: inout UnsafeRawBufferPointer) throws(RTMPFailure) -> [UInt8]? {
        let whole = 1 + 2 * ServerHandshake.blockSize
        let count = min(whole - received.count, input.count)
        received.append(contentsOf: UnsafeRawBufferPointer(rebasing: input[..<count]))
        input.drop(count)
        if let version = received.first, version != ServerHandshake.version { throw .version(version) }
        guard received.count == whole else { return nil }
        return Array(received[1...ServerHandshake.blockSize])
    }
}
