// SPDX-License-Identifier: Apache-2.0

import Bytes

/// A packet taken apart, before anything of it is believed.
struct PacketEnvelope {
    let header: PacketHeader
    let boot: UInt64
    let counter: UInt64
    /// What the tag is over beside the ciphertext.
    let authenticated: ByteSlice
    /// The ciphertext and the tag.
    let sealed: ByteSlice

    init(_ packet: ByteSlice, pool: UInt32) throws(SealFailure) {
        var reader = ByteReader(packet)
        header = try PacketHeader.read(&reader, cluster: pool)
        guard header.kind == .packet else { throw .version }
        do {
            boot = try reader.uint64()
            counter = try reader.integer(6)
        } catch {
            throw .tooShort
        }
        guard reader.count >= SealCipher.tagSize else { throw .tooShort }
        sealed = reader.rest
        authenticated = packet[..<sealed.startIndex]
    }
}
