// SPDX-License-Identifier: Apache-2.0

public import Cluster
import Datagrams
public import NIOCore
import Processes
public import Telemetry
public import Transport

/// The sessions over UDP of a node: one port, its threads, and the door of WHIP and WHEP.
public final class RealTimeNode: Sendable {
    private let front: SignalingFront
    private let threads: ThreadGroup
    private let streams: StreamDoor
    private let sounds: SoundTable
    private let address: IPAddress

    /// Opens the port.
    /// - Parameters:
    ///   - viewers: where viewers come in; nil where the node serves none.
    ///   - publishers: where publishers come in; nil where the node takes none.
    ///   - eventLoop: has the pipes of programs that transcode.
    public init(
        _ settings: RealTimeSettings, viewers: (any ViewerDoor)?, publishers: (any PublisherDoor)?,
        on eventLoop: any EventLoop, registry: MetricRegistry, log: StormLog
    ) throws {
        let metrics = RealTimeMetrics(registry)
        let table = SessionTable(maximumUnconnected: settings.maximumUnconnected, metrics: metrics)
        threads = ThreadGroup()
        streams = StreamDoor(settings, table: table, threads: threads, metrics: metrics)
        address = settings.address
        sounds = SoundTable(
            program: settings.transcoder.flatMap(ProgramPath.find), limit: settings.transcoders, on: eventLoop,
            threads: threads,
            metrics: TranscoderMetrics(registry), log: RealTimeLog(log: log))
        front = SignalingFront(
            settings, viewers: viewers, publishers: publishers, table: table, threads: threads, streams: streams,
            sounds: sounds, metrics: metrics, log: RealTimeLog(log: log))
        let datagrams = DatagramMetrics(registry, port: .webrtc)
        for index in 0..<max(1, settings.threads) {
            let socket = socket(settings, index)
            if index == 0, settings.port != 0 { try socket.checkIsFree() }
            let thread = try DatagramThread(settings: socket, metrics: datagrams) {
                [threads, sounds] sender in
                RealTimeLoop(
                    index: index, sender: sender, table: table, threads: threads, sounds: sounds,
                    metrics: metrics, settings: settings, log: RealTimeLog(log: log))
            }
            threads.append(thread)
        }
    }

    /// The socket of a thread; the first one chooses the port for all.
    private func socket(_ settings: RealTimeSettings, _ index: Int) -> DatagramSettings {
        let port = index == 0 ? settings.port : threads.port
        var socket = DatagramSettings(
            local: Endpoint(address: settings.address, port: UInt16(clamping: port)), name: "webrtc \(index)")
        socket.isShared = settings.threads > 1
        return socket
    }

    /// The port that is bound.
    public var port: Int { threads.port }

    /// The address that is bound.
    public var local: Endpoint { Endpoint(address: address, port: UInt16(clamping: port)) }

    /// WHIP and WHEP.
    /// - Parameter base: scheme and authority by which this node is reached; nil for those of each request.
    public func site(base: @escaping @Sendable () -> String?) -> SignalingSite { SignalingSite(front, base: base) }

    /// Ends what nobody came for. Call about once a second.
    public func sweep() {
        front.sweep(now: SystemClock.now())
        sounds.sweep()
    }

    /// Takes sessions over TCP too, at a port of its own.
    public func listen(
        _ settings: TCPListenerSettings, on group: any EventLoopGroup, observer: any TransportObserver
    ) async throws {
        try await streams.listen(settings, on: group, observer: observer)
    }

    /// The port of ICE over TCP; nil where it is off.
    public var streamPort: Int? { streams.port }

    /// Tells all remote parties goodbye and closes the ports.
    public func stop() async {
        threads.submitToAll { loop, now in loop.closeAll(now: now) }
        threads.stop()
        await streams.stop()
        sounds.stop()
    }
}
