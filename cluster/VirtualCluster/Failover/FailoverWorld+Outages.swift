// SPDX-License-Identifier: Apache-2.0

import Cluster
import Feed
import HLS
import Identity
import Relay
import TestKit

/// Machines that fall silent, ways of one direction, a store that comes and goes.
extension FailoverWorld {
    /// First one thing alone, of which nothing may be lost and viewers notice little; then several, one into another.
    public func playOutages(faults count: Int = 4) {
        run(for: .seconds(6))
        suffer(alone: Self.lonely.randomElement(using: &random) ?? .gatewayDies)
        run(for: .seconds(2))
        suffer(count)
    }

    func sufferSilence(_ fault: Fault) {
        switch fault {
        case .deaf: cutOneWay { Cut(from: $1, to: $0) }
        case .edgeFreezes: edge().state = .frozen
        case .edgeSilent: silence(edge())
        case .gatewaySilent: if let gateway = gatewayNow { silence(gateway) }
        case .mute: cutOneWay { Cut(from: $0, to: $1) }
        case .pairCut:
            let one = nodes[Int.random(in: 0...2, using: &random)]
            let other = nodes[Int.random(in: 0..<nodes.count, using: &random)]
            cuts.formUnion([Cut(from: one.number, to: other.number), Cut(from: other.number, to: one.number)])
        case .standbyFreezes: if let standby = standbyNow, standby.state == .up { standby.state = .frozen }
        case .standbySilent: if let standby = standbyNow { silence(standby) }
        case .clockJumps:
            nodes[Int.random(in: 0...2, using: &random)].clock = .seconds(Int.random(in: -300...300, using: &random))
        case .edgeDrains: beginDrain(edge())
        case .gatewayDrains: if let gateway = gatewayNow { beginDrain(gateway) }
        case .standbyDrains: if let standby = standbyNow { beginDrain(standby) }
        default: sufferOfStore(fault)
        }
    }

    private func sufferOfStore(_ fault: Fault) {
        let gateway = gatewayNow.map { [$0.number] } ?? []
        switch fault {
        case .storeCutOff: cutFromStore(gateway, both: true)
        case .storeDies: store.isUp = false
        case .storeDiesEmpty:
            store.isUp = false
            store.flush()
        case .storeFlushed: store.flush()
        case .storeLost: cutFromStore(Array(nodes.indices), both: true)
        case .storeSetBack: store.becomes(storePast)
        case .storeUnheard: cutFromStore(gateway, both: false)
        default: break
        }
    }

    private func cutFromStore(_ numbers: [Int], both: Bool) {
        for number in numbers {
            cuts.insert(Cut(from: Self.storeNumber, to: number))
            if both { cuts.insert(Cut(from: number, to: Self.storeNumber)) }
        }
    }

    /// The machine is gone: nobody is told, and connections stay as they are.
    func silence(_ node: FailoverNode) {
        guard node.isRunning else { return }
        node.die()
        node.state = .silent
        closeWires(ofDead: node)
    }

    /// One node is heard by nobody, or hears nobody, or that is so between two alone.
    private func cutOneWay(_ cut: (Int, Int) -> Cut) {
        let one = [gatewayNow, standbyNow].randomElement(using: &random).flatMap { $0 } ?? edge()
        let isOfAll = Bool.random(using: &random)
        let other = nodes[Int.random(in: 0..<nodes.count, using: &random)]
        for node in nodes where node !== one && (isOfAll || node === other) {
            cuts.insert(cut(one.number, node.number))
        }
    }
}

// MARK: - One fault alone

extension FailoverWorld {
    /// Of these nothing that was listed is ever taken back, if nothing else happens.
    private static let lonely: [Fault] = [
        .edgeDies, .edgeDrains, .edgeFreezes, .edgeSilent, .gatewayDies, .gatewayDrains, .gatewayFreezes,
        .gatewaySilent, .gatewaySilent, .gatewaySilent, .standbyDies, .standbyDrains, .standbyFreezes, .standbySilent,
    ]

    /// One thing happens while all else is well: nothing is taken back, and whoever watches at another node has news soon.
    private func suffer(alone fault: Fault) {
        guard isHeldTwice else { return problems.append("the standby has no window at \(now)") }
        isSingle = true
        let edges = nodes[3...].filter { !$0.description.roles.contains(.origin) }
        var moved: [Int: (key: PartPosition?, at: Duration)] = [:]
        var longest: Duration = .zero
        publisher.moves = 0
        if fault == .gatewaySilent || Bool.random(using: &random) { lagGateway() }
        suffer(fault)
        let end = now + .milliseconds(Int.random(in: 6000...9000, using: &random))
        while now < end {
            run(for: .milliseconds(50))
            for node in edges {
                let key = node.feed?.window.currentKey?.position
                guard node.state == .up, node.drain == nil, key == moved[node.number]?.key else {
                    moved[node.number] = (key, now)
                    continue
                }
                longest = max(longest, now - (moved[node.number]?.at ?? now))
            }
        }
        standstills.append(longest)
        if fault == .gatewayDrains, publisher.moves > 0 { auditUnits() }
        if longest > Self.bound(of: fault) { fail("\(fault): nothing new for \(longest)") }
        mend()
        expectRecovery()
        isSingle = false
    }

    /// The gateway's line is thin for a moment: what it sends is late by up to a part.
    private func lagGateway() {
        let gateway = gatewayNow
        gateway?.lag = .milliseconds(Int.random(in: 20...250, using: &random))
        run(for: .milliseconds(Int.random(in: 300...1300, using: &random)))
    }

    /// Whether what is listed now has two holders.
    var isHeldTwice: Bool { gatewayNow?.gateway?.commits.hasHolders ?? false }

    /// A publisher that was cut off comes back within three seconds; a machine that falls silent costs what it takes to
    /// notice that.
    private static func bound(of fault: Fault) -> Duration {
        switch fault {
        case .edgeDies, .edgeDrains, .edgeFreezes, .edgeSilent, .standbyDies, .standbyDrains: .milliseconds(1500)
        case .standbyFreezes, .standbySilent: .milliseconds(4000)
        default: .milliseconds(8000)
        }
    }
}

// MARK: - A lease that another has

extension FailoverWorld {
    /// The publisher goes to an origin that no other node hears, and which the store grants its term. The gateway does not
    /// reach the store, or does not hear it, and all it talks with let it go on: only that another origin reaches the store
    /// keeps it from writing, when its lease is over.
    public func playOutclaimed() {
        run(for: .seconds(6))
        guard let gateway = gatewayNow, let standby = standbyNow,
            let taker = nodes.first(where: { $0.isOrigin && $0 !== gateway && $0 !== standby })
        else { return problems.append("there is no gateway with a standby") }
        let term = gateway.gateway?.term
        cutOff([taker])
        cuts.insert(Cut(from: Self.storeNumber, to: gateway.number))
        if Bool.random(using: &random) { cuts.insert(Cut(from: gateway.number, to: Self.storeNumber)) }
        let former = publisher.origin
        publisher.unreachable = [gateway.number, standby.number]
        run(for: .milliseconds(Int.random(in: 6000...9000, using: &random)))
        if former?.node == gateway.number, gateway.gateway?.term == term, gateway.gateway?.isFenced == false {
            fail("n\(gateway.number) goes on in \(term ?? .lowest)")
        }
        if store.highest == term { fail("nobody took the lease") }
        mend()
        expectRecovery()
    }
}
