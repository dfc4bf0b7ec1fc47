// SPDX-License-Identifier: Apache-2.0

import Cluster
import Gossip
import Identity
import NIOCore
import Transport

extension NodeSettings {
    /// The node's name: as set, or the host's.
    func nodeID() throws -> NodeID {
        let text = node.name ?? ProcessFacts.hostName.lowercased()
        guard let id = NodeID(parsing: text) else {
            throw SettingsProblem("node.name must be set: the host's name \(text) can not be a node's")
        }
        return id
    }

    /// What the node says of itself, once its ports are known.
    func description(_ ports: NodePorts) throws -> NodeDescription {
        let address = try advertisedAddress()
        let host = Endpoint(address: address, port: 0).description.dropLast(2)
        var roles = roles
        if edge.isShield { roles.insert(.shield) }
        let scheme = http.tls.certificate == nil ? "http" : "https"
        return NodeDescription(
            id: try nodeID(), roles: roles, region: Region(parsing: node.region) ?? .local,
            zone: Zone(parsing: node.zone) ?? .local, gossip: Endpoint(address: address, port: 0),
            relay: Endpoint(address: address, port: UInt16(clamping: ports.relay)),
            viewerURL: node.viewerURL ?? "\(scheme)://\(host):\(ports.http)",
            publisherURL: roles.contains(.origin) ? node.publisherURL ?? "rtmp://\(host):\(ports.rtmp)" : "",
            capacity: UInt32(clamping: node.capacity),
            packaging: packaging)
    }

    /// The address at which others reach the node.
    private func advertisedAddress() throws -> IPAddress {
        if let text = node.advertise, let address = IPAddress(parsing: text) { return address }
        let addresses = ((try? System.enumerateDevices()) ?? []).compactMap { device -> IPAddress? in
            guard let text = device.address?.ipAddress else { return nil }
            return IPAddress(parsing: text.prefix { $0 != "%" })
        }
        let found = addresses.first { $0.isRoutable && $0.isIPv4 } ?? addresses.first { $0.isRoutable }
        guard found != nil || cluster.seeds.isEmpty && cluster.remoteSeeds.isEmpty else {
            throw SettingsProblem("node.advertise must be set: this machine has no address that others could reach")
        }
        return found ?? .v4(0x7F00_0001)
    }

    /// The profiles of the node's pools.
    var gossipSettings: Gossip.ClusterSettings {
        var settings = Gossip.ClusterSettings()
        switch cluster.profile {
        case .edge: settings.region = .edge
        case .fast: settings.region = .fast
        case .lan: settings.region = .lan
        case .test:
            settings.region = .test
            settings.world = .test
        }
        return settings
    }
}

/// The ports that a node listens at.
struct NodePorts {
    let http: Int
    let rtmp: Int
    let relay: Int
}

/// Settings that can not be used on this machine.
struct SettingsProblem: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

extension IPAddress {
    fileprivate var isIPv4: Bool { if case .v4 = self { true } else { false } }

    /// Neither of this machine alone nor of its link.
    fileprivate var isRoutable: Bool {
        switch self {
        case .v4(let number): number >> 24 != 127 && number >> 16 != 0xA9FE && number != 0
        case .v6(let high, let low): !(high == 0 && low <= 1) && high >> 54 != 0x3FA
        }
    }
}
