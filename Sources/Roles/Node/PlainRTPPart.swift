// SPDX-License-Identifier: Apache-2.0

import Cluster
import Datagrams
import NIOCore
import NIOPosix
import PlainRTP
import Transport

/// Plain RTP and the port that controls it.
struct PlainRTPPart: Sendable {
    let desk: FanoutDesk
    let streams: StreamDesk
    let control: ControlPort

    /// Once a second.
    func tick() { desk.tick() }

    /// No more calls, then no more packets.
    func stop(within grace: Duration) async {
        await control.stop(within: grace)
        desk.stop()
    }
}

extension NodeAssembly {
    func listenPlainRTP() async throws -> PlainRTPPart? {
        guard settings.rtp.enabled else { return nil }
        let counters = PlainRTPMetrics(metrics.registry)
        let desk = try FanoutDesk.start(
            PlainRTPSettings(
                local: try endpoint(settings.rtp.host, settings.rtp.port),
                threads: settings.rtp.threads == 0 ? ProcessLimits.processors : settings.rtp.threads,
                hold: settings.rtp.hold, allowed: settings.rtp.willing, fanout: settings.fanoutSettings),
            metrics: counters, datagrams: DatagramMetrics(metrics.registry, port: .rtp),
            cluster: cluster.map { FanoutCluster(of: $0, on: group.next()) })
        cluster?.carry(desk)
        let files = settings.grpc.secured ? settings.http.tls.files : nil
        let control = try await ControlPort.start(
            ControlPortSettings(
                host: "\(try endpoint(settings.grpc.host, settings.grpc.port).address)", port: settings.grpc.port,
                files: files.map { ControlPortSettings.Files(certificate: $0.certificates, key: $0.key) }),
            desk: desk, policy: policy, metrics: counters, on: group)
        return PlainRTPPart(desk: desk, streams: StreamDesk(desk), control: control)
    }

    /// Where to listen, of a name too.
    private func endpoint(_ host: String, _ port: Int) throws -> Endpoint {
        let address = try SocketAddress.listening(at: ProcessLimits.listenAddress(for: host), port: port)
        guard let text = address.ipAddress, let parsed = IPAddress(parsing: text) else {
            throw SocketAddressError.unsupported
        }
        return Endpoint(address: parsed, port: UInt16(truncatingIfNeeded: port))
    }
}
