// SPDX-License-Identifier: Apache-2.0
// Inputs: 1/20

import Media
import SecureMedia

private let time = WallTime(milliseconds: 1_795_255_200_000)
private let local = DTLSIdentity.generate(now: time)
private let remote = DTLSIdentity.generate(now: time)

/// Arbitrary datagrams, each behind its length, come to a session before, in or after its handshake, of either role as
/// the first byte says. They never trap, and never connect it. Half of the inputs cost a whole handshake.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    var input = UnsafeRawBufferPointer(start: bytes, count: count)[...]
    guard let choice = input.popFirst() else { return 0 }
    let role: DTLSRole = choice & 1 == 0 ? .active : .passive
    var session = DTLSSession(DTLSContext(local), role: role, peer: remote.fingerprint)
    let begun = session.begin(now: .zero)
    if choice & 2 != 0 { connect(&session, role, begun) }
    if choice & 4 != 0 { _ = session.tick(now: .seconds(60)) }
    while let length = input.popFirst() {
        let size = min(input.count, Int(length) * 6)
        let datagram = UnsafeRawBufferPointer(rebasing: input.prefix(size))
        input = input.dropFirst(size)
        for directive in session.receive(datagram, now: .zero) {
            if case .connected = directive { preconditionFailure("connected by noise") }
            if case .closed = directive { preconditionFailure("closed by noise") }
            if case .send(let sent) = directive { precondition(sent.count <= DTLSSession.largestSent) }
        }
    }
    _ = session.close()
    return 0
}

/// A real handshake with the peer that is expected.
private func connect(_ session: inout DTLSSession, _ role: DTLSRole, _ begun: [DTLSSession.Directive]) {
    var peer = DTLSSession(
        DTLSContext(remote), role: role == .active ? .passive : .active, peer: local.fingerprint)
    var toSession = peer.begin(now: .zero)
    var toPeer = begun
    var isConnected = false
    while !toSession.isEmpty || !toPeer.isEmpty {
        let (forSession, forPeer) = (toSession, toPeer)
        (toSession, toPeer) = ([], [])
        for case .send(let datagram) in forPeer {
            toSession += datagram.withUnsafeBytes { peer.receive($0, now: .zero) }
        }
        for case .send(let datagram) in forSession {
            toPeer += datagram.withUnsafeBytes { session.receive($0, now: .zero) }
        }
        for case .connected in toPeer { isConnected = true }
    }
    precondition(isConnected, "no handshake")
}
