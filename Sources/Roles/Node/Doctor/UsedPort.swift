// SPDX-License-Identifier: Apache-2.0

/// A port that a node with some settings listens at.
package struct UsedPort: Sendable, Equatable {
    /// The setting that names it.
    package let setting: String
    /// The address.
    let host: String
    /// Its number.
    package let port: Int
    /// Whether datagrams come there, not connections.
    package let isUDP: Bool

    /// Who has it.
    package enum State: Sendable, Equatable {
        /// Nobody.
        case free
        /// This process, by name and number; nil for one that may not be looked at.
        case held(by: String?)
        /// It can not be listened at; carries the system's word.
        case forbidden(String)
    }

    /// Those of a node; a port that the kernel chooses is not among them.
    package static func all(of settings: NodeSettings) -> [UsedPort] {
        let isSecured = settings.http.tls.certificate != nil
        var ports = [tcp("http.port", settings.http.host, settings.http.port)]
        ports.append(tcp("rtmp.port", settings.rtmp.host, settings.rtmp.port))
        if isSecured { ports.append(tcp("rtmp.tls_port", settings.rtmp.host, settings.rtmp.tlsPort)) }
        if settings.webrtc.enabled {
            ports.append(udp("webrtc.port", settings.webrtc.host, settings.webrtc.port))
            ports.append(tcp("webrtc.tcp_port", settings.webrtc.host, settings.webrtc.tcpPort))
        }
        if settings.cluster.key != nil {
            let (gossip, relay) = (settings.cluster.gossip, settings.cluster.relay)
            ports.append(udp("gossip.port", gossip.host, gossip.port))
            ports.append(tcp("gossip.port", gossip.host, gossip.port))
            ports.append(tcp("relay.port", relay.host, relay.port))
        }
        ports.append(tcp("edge.agent_port", settings.http.host, settings.edge.agentPort))
        if settings.rtp.enabled {
            ports.append(udp("rtp.port", settings.rtp.host, settings.rtp.port))
            ports.append(tcp("grpc.port", settings.grpc.host, settings.grpc.port))
        }
        return ports.filter { $0.port != 0 }
    }

    private static func tcp(_ setting: String, _ host: String, _ port: Int) -> UsedPort {
        UsedPort(setting: setting, host: host, port: port, isUDP: false)
    }

    private static func udp(_ setting: String, _ host: String, _ port: Int) -> UsedPort {
        UsedPort(setting: setting, host: host, port: port, isUDP: true)
    }
}
