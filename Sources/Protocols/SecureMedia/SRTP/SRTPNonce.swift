// SPDX-License-Identifier: Apache-2.0

/// A session salt, ready to be mixed with what tells packets apart: their SSRC and their index of 48 bits. An SRTCP index
/// of 31 bits is the same with zeros before it.
struct SRTPNonce {
    private let first: UInt64
    private let second: UInt64

    /// A salt of 12 or 14 bytes.
    init(salt: [UInt8]) {
        var words: [UInt64] = [0, 0]
        for (position, byte) in salt.enumerated() {
            words[position >> 3] |= UInt64(byte) << (56 - 8 * UInt64(position & 7))
        }
        (first, second) = (words[0], words[1])
    }

    /// In memory: two zero bytes, the SSRC, the index; mixed with the salt (RFC 7714 §8.1, §9.1). The last four bytes are
    /// not used.
    func gcm(ssrc: UInt32, index: UInt64) -> (UInt64, UInt64) {
        ((first ^ UInt64(ssrc) << 16 ^ index >> 32).bigEndian, (second ^ index << 32).bigEndian)
    }

    /// In memory: four zero bytes, the SSRC, the index, mixed with the salt; and a block counter of two bytes, which
    /// begins at 0 (RFC 3711 §4.1.1).
    func counter(ssrc: UInt32, index: UInt64) -> (UInt64, UInt64) {
        ((first ^ UInt64(ssrc)).bigEndian, (second ^ index << 16).bigEndian)
    }
}
