// SPDX-License-Identifier: Apache-2.0

import Bytes
import Identity
import NIOCore
import Relay
import Transport

/// The connection to one node at which sessions of this one have branches. Confined to its loop.
final class BranchLink: RelayParty {
    let node: NodeID
    private weak var loop: BranchLoop?
    private var connection: RelayConnection?
    private var channels: [BranchNumber: UInt32] = [:]
    private var numbers: [UInt32: BranchNumber] = [:]
    /// What is to be said once the node has said who it is.
    private var backlog: [RelayFrame] = []
    private var lastChannel: UInt32 = 0
    private var heard = Duration.zero
    private var nextBeat = Duration.zero
    private var idleSince: Duration?

    init(_ node: NodeID, _ loop: BranchLoop) {
        self.node = node
        self.loop = loop
    }

    /// Begins a branch.
    func begin(_ number: BranchNumber, _ branch: RelayBranch) {
        lastChannel += 1
        channels[number] = lastChannel
        numbers[lastChannel] = number
        idleSince = nil
        send(.branch(branch), number)
    }

    /// Says something of a branch.
    func send(_ message: RelayMessage, _ number: BranchNumber) {
        guard let channel = channels[number] else { return }
        guard let connection else { return backlog.append(RelayFrame(channel: channel, message: message)) }
        connection.send(message, channel: channel)
        connection.flush()
    }

    /// Ends a branch.
    func end(_ number: BranchNumber) {
        send(.unsubscribe, number)
        if let channel = channels.removeValue(forKey: number) { numbers[channel] = nil }
    }

    /// Sends packets, each `segment` bytes long but the last; false where the connection takes no more for now.
    func forward(_ packets: ByteSlice, segment: Int, of number: BranchNumber) -> Bool {
        guard let channel = channels[number], let connection, connection.isWritable else { return false }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(packets.count + (packets.count / segment + 1) * Self.longestHead)
        var rest = packets
        while !rest.isEmpty {
            let packet = rest.prefix(segment)
            rest = rest.dropFirst(segment)
            RelayFrameEncoder().append(RelayFrame(channel: channel, message: .datagram(packet)), to: &bytes)
        }
        connection.send(frames: ByteBuffer(bytes: bytes))
        connection.flush()
        return true
    }

    func greeted(_ peer: RelayHello, on connection: RelayConnection) {
        self.connection = connection
        heard = SystemClock.now()
        for frame in backlog { connection.send(frame.message, channel: frame.channel) }
        backlog = []
        connection.flush()
    }

    func receive(_ frame: RelayFrame) {
        heard = SystemClock.now()
        // Of a branch that has ended here, something may still be on its way.
        guard let number = numbers[frame.channel] else { return }
        switch frame.message {
        case .attached(let endpoint): loop?.heard(.attached(endpoint), of: number, self)
        case .detached(let endpoint, let reason): loop?.heard(.detached(endpoint, reason), of: number, self)
        case .refused:
            channels[number] = nil
            numbers[frame.channel] = nil
            loop?.heard(.lost, of: number, self)
        case .tally(let tally): loop?.heard(.tally(tally), of: number, self)
        default: connection?.fail(.unexpected)
        }
    }

    func writable() {}

    func tick(now: Duration) {
        guard !channels.isEmpty else {
            let since = idleSince ?? now
            idleSince = since
            if now - since > Self.idleLimit { abandon { $0.close() } }
            return
        }
        guard let connection, now >= nextBeat else { return }
        guard now - heard < Self.silenceLimit else { return abandon { $0.fail(.silence) } }
        nextBeat = now + Self.beat
        for channel in channels.values { connection.send(Self.sign, channel: channel) }
    }

    /// Ends the connection, and waits for nothing: with security it is closed only when the other side has said goodbye, or
    /// has had its time for that.
    private func abandon(_ end: (RelayConnection) -> Void) {
        guard let connection else { return }
        closed()
        end(connection)
    }

    func closed() {
        connection = nil
        let lost = channels.keys.sorted()
        channels = [:]
        numbers = [:]
        loop?.closed(self, lost)
    }

    /// How often both sides say that they are there.
    static let beat: Duration = .milliseconds(500)
    /// How long a node that has branches may say nothing.
    private static let silenceLimit: Duration = .seconds(2)
    /// How long a connection stays that nobody uses.
    private static let idleLimit: Duration = .seconds(10)
    /// The length of a frame, its kind and its channel.
    private static let longestHead = 10
    private static let sign = RelayMessage.heartbeat(RelayHeartbeat(term: nil, commit: nil, gatewayAge: 0))
}
