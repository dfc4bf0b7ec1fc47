// SPDX-License-Identifier: Apache-2.0

public import Bytes
public import Cluster
public import Relay
public import Transport

/// Sends on what sessions of plain RTP receive at other nodes, to those of their subscribers that come here. Called on event
/// loops: it must not block.
public protocol BranchCarrier: Sendable {
    /// Whether what is carried is to go on elsewhere.
    var isLeaving: Bool { get }

    /// Begins a branch; throws why it is not carried.
    /// - Parameters:
    ///   - peer: where the connection to the branch's home ends, as seen from here.
    ///   - onUnwilling: told of a subscriber that did not answer and is no longer one, on any thread.
    func begin(
        _ branch: RelayBranch, from peer: PeerAddress, onUnwilling: @escaping @Sendable (Endpoint) -> Void
    ) throws(RelayRefusal) -> any CarriedBranch
}

/// A branch that is carried here.
public protocol CarriedBranch: Sendable {
    /// What it has sent.
    var sent: RelayTally { get }

    /// Sends to a subscriber, once it wants packets. Returns why not; nil where it does, also where it did before.
    func attach(_ endpoint: Endpoint) -> RelayDetachment?
    /// Sends there no more.
    func detach(_ endpoint: Endpoint)
    /// Sends a packet to all.
    func forward(_ packet: ByteSlice)
    /// Ends it.
    func end()
}
