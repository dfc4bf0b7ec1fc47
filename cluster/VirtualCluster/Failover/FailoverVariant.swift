// SPDX-License-Identifier: Apache-2.0

/// What kind of cluster plays, and what may happen to it.
public struct FailoverVariant: Sendable {
    /// Whether there is a store that arbitrates between gateways.
    public var hasStore = false
    /// How many origins must agree to a term; 0 where nobody need.
    public var quorum = 0
    /// Whether nodes begin with one version of the byte writer and come back with two.
    public var isUpgraded = false
    /// Whether the nodes' civil clocks differ.
    public var hasOddClocks = false
    /// How many segments a playlist lists: more than a publisher may wait at a gate.
    public var window = 12
    /// Whether machines are so full that an answer about a term takes a tenth of a second or three.
    public var hasSlowAnswers = false
    /// What may happen.
    public var faults = Self.deaths

    /// Terms by gossip or by a store, on one clock, and processes that die. By gossip alone gates open soon.
    public init(hasStore: Bool = false) {
        self.hasStore = hasStore
        if !hasStore { window = 4 }
    }

    /// What a seed makes of it: by thirds gossip alone, a store, a quorum; half of each is upgraded as it plays.
    public static func drawn(by seed: UInt64) -> FailoverVariant {
        var variant = FailoverVariant()
        variant.hasOddClocks = true
        variant.window = 12
        variant.isUpgraded = seed / 3 % 2 == 1
        variant.faults = deaths + silences + plans
        switch seed % 3 {
        case 1:
            variant.hasStore = true
            variant.faults += storeFaults + storeFaults
        case 2: variant.quorum = 2
        default: break
        }
        return variant
    }
}

extension FailoverWorld {
    /// What may happen.
    public enum Fault: Sendable {
        /// Processes die, or stand still, and machines are cut off.
        case allDown, edgeCutOff, edgeDies, gatewayCutOff, gatewayDies, gatewayFreezes, publisherMoves, restart
        case standbyDies, twoDie
        /// Machines fall silent, and ways are cut in one direction, or between two machines alone.
        case deaf, edgeFreezes, edgeSilent, gatewaySilent, mute, pairCut, standbyFreezes, standbySilent
        /// A civil clock jumps, and nodes hand over what they have.
        case clockJumps, edgeDrains, gatewayDrains, standbyDrains
        /// The store dies and comes back, with all it had, with nothing, or without its last second; it forgets; the
        /// gateway, or everybody, does not reach it, or does not hear it.
        case storeCutOff, storeDies, storeDiesEmpty, storeFlushed, storeLost, storeSetBack, storeUnheard
    }
}

extension FailoverVariant {
    static let deaths: [FailoverWorld.Fault] = [
        .allDown, .edgeCutOff, .edgeDies, .gatewayCutOff, .gatewayDies, .gatewayFreezes, .publisherMoves, .restart,
        .standbyDies, .twoDie,
    ]
    static let silences: [FailoverWorld.Fault] = [
        .deaf, .edgeFreezes, .edgeSilent, .gatewaySilent, .mute, .pairCut, .standbyFreezes, .standbySilent,
    ]
    static let plans: [FailoverWorld.Fault] = [.clockJumps, .edgeDrains, .gatewayDrains, .standbyDrains]
    static let storeFaults: [FailoverWorld.Fault] = [
        .storeCutOff, .storeDies, .storeDiesEmpty, .storeFlushed, .storeLost, .storeSetBack,
        .storeUnheard,
    ]
}
