// SPDX-License-Identifier: Apache-2.0

import Gossip
import Identity

/// Whoever does not have the key opens nothing and is remembered by nothing, as a packet and on a stream. The header's
/// fields are put right where the first byte is even, so that more than the magic is tried.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = Array(UnsafeBufferPointer(start: bytes, count: count))
    guard let sender = NodeID(parsing: "a"), let key = ClusterKey(bytes: Array(0x80..<0xA0)) else { return 0 }
    let identity = SealIdentity(cluster: "fuzz", pool: "", sender: sender, boot: 1)
    var seal = PacketSeal(identity, keyring: Keyring(key))
    var forged = input
    if input.first?.isMultiple(of: 2) ?? false, input.count > 12 {
        forged.replaceSubrange(0..<12, with: seal.seal([]).prefix(12))
    }
    precondition((try? seal.open(forged[...], now: .zero)) == nil, "opened without the key")
    precondition(seal.rememberedSenders == 0, "remembered without the key")
    var random = SystemRandomNumberGenerator()
    forged.withUnsafeMutableBufferPointer { if $0.count > 3 { $0[3] = 1 } }
    var session = SealedStreamSession.acceptor(identity, keyring: Keyring(key), using: &random)
    precondition((try? session.receive(forged[...]))?.isEmpty ?? true, "answered without the key")
    return 0
}
