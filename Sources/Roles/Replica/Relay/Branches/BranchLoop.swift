// SPDX-License-Identifier: Apache-2.0

import Bytes
import Identity
import NIOCore
import Relay

/// The branches that this node's sessions have elsewhere, on the event loop that they are fed from. Confined to it.
final class BranchLoop {
    private let identity: RelayIdentity
    private let eventLoop: any EventLoop
    private let metrics: RelayMetrics
    private let listener: BranchLinks.Listener
    private var links: [NodeID: BranchLink] = [:]
    /// Where the packets of each session go.
    private var branches: [BranchNumber: [BranchLink]] = [:]
    private var isOver = false

    init(
        identity: RelayIdentity, eventLoop: any EventLoop, metrics: RelayMetrics,
        listener: @escaping BranchLinks.Listener
    ) {
        self.identity = identity
        self.eventLoop = eventLoop
        self.metrics = metrics
        self.listener = listener
    }

    func begin(_ number: BranchNumber, _ branch: RelayBranch, at parent: RelayParent) {
        guard !isOver else { return listener(number, parent.node, .lost) }
        let link = links[parent.node] ?? call(parent)
        branches[number, default: []].append(link)
        link.begin(number, branch)
    }

    func send(_ message: RelayMessage, _ number: BranchNumber, at node: NodeID) { links[node]?.send(message, number) }

    func end(_ number: BranchNumber, at node: NodeID) {
        guard let link = links[node] else { return }
        link.end(number)
        forget(number, link)
    }

    /// Sends packets to all branches of a session. Returns how many of them take no more for now.
    func forward(_ packets: ByteSlice, segment: Int, of number: BranchNumber) -> Int {
        guard let links = branches[number] else { return 0 }
        return links.count { !$0.forward(packets, segment: segment, of: number) }
    }

    /// Ends all of them.
    func stop() {
        isOver = true
        for (number, links) in branches { for link in links { link.end(number) } }
        branches = [:]
    }

    func heard(_ event: BranchEvent, of number: BranchNumber, _ link: BranchLink) {
        if case .lost = event { forget(number, link) }
        listener(number, link.node, event)
    }

    func closed(_ link: BranchLink, _ lost: [BranchNumber]) {
        if links[link.node] === link { links[link.node] = nil }
        for number in lost { heard(.lost, of: number, link) }
    }

    private func call(_ parent: RelayParent) -> BranchLink {
        let link = BranchLink(parent.node, self)
        links[parent.node] = link
        RelayConnection.open(
            to: parent, by: identity, on: eventLoop, metrics: metrics, holding: Self.holding, for: link)
        return link
    }

    private func forget(_ number: BranchNumber, _ link: BranchLink) {
        branches[number]?.removeAll { $0 === link }
        if branches[number]?.isEmpty == true { branches[number] = nil }
    }

    /// What a connection holds before packets are dropped: a quarter of a second of 16 Mbit/s, beside the kernel's.
    private static let holding = 512 * 1024
}
