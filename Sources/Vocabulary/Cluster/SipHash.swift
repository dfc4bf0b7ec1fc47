// SPDX-License-Identifier: Apache-2.0

/// SipHash-2-4 (Aumasson, Bernstein 2012), 64 bits.
///
/// Stream names are chosen by strangers: with a weaker hash they could choose two with one key, and load reports would
/// take the audience of the one for the other's.
package struct SipHash: Sendable {
    private let key: (UInt64, UInt64)

    /// The hash with a key of 16 bytes, each half read as little-endian.
    package init(key: (UInt64, UInt64)) { self.key = key }

    /// The hash of `bytes`.
    package func hash(_ bytes: some Sequence<UInt8>) -> UInt64 {
        var state = State(key: key)
        var word: UInt64 = 0
        var count: UInt64 = 0
        for byte in bytes {
            word |= UInt64(byte) << (8 * (count & 7))
            count &+= 1
            guard count & 7 == 0 else { continue }
            state.absorb(word)
            word = 0
        }
        state.absorb(word | count << 56)
        return state.finish()
    }

    /// Keyed for rankings, with the sixteen bytes `millrace ranking`.
    static let ranking = SipHash(key: (0x6563_6172_6C6C_696D, 0x676E_696B_6E61_7220))

    private struct State {
        private var (v0, v1, v2, v3): (UInt64, UInt64, UInt64, UInt64)

        init(key: (UInt64, UInt64)) {
            v0 = key.0 ^ 0x736F_6D65_7073_6575
            v1 = key.1 ^ 0x646F_7261_6E64_6F6D
            v2 = key.0 ^ 0x6C79_6765_6E65_7261
            v3 = key.1 ^ 0x7465_6462_7974_6573
        }

        mutating func absorb(_ word: UInt64) {
            v3 ^= word
            rounds(2)
            v0 ^= word
        }

        mutating func finish() -> UInt64 {
            v2 ^= 0xFF
            rounds(4)
            return v0 ^ v1 ^ v2 ^ v3
        }

        private mutating func rounds(_ count: Int) {
            for _ in 0..<count {
                v0 &+= v1
                v1 = v1 << 13 | v1 >> 51
                v1 ^= v0
                v0 = v0 << 32 | v0 >> 32
                v2 &+= v3
                v3 = v3 << 16 | v3 >> 48
                v3 ^= v2
                v0 &+= v3
                v3 = v3 << 21 | v3 >> 43
                v3 ^= v0
                v2 &+= v1
                v1 = v1 << 17 | v1 >> 47
                v1 ^= v2
                v2 = v2 << 32 | v2 >> 32
            }
        }
    }
}
