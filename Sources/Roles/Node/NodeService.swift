// SPDX-License-Identifier: Apache-2.0

import Access
import Bytes
import Control
import Edge
import Feed
import HLS
import Identity
import Logging
import Media
import NIOCore
import NIOPosix
import Origin
import RTMP
import Replica
import ServiceLifecycle
import Telemetry
import Transport
import UnixSignals
import WebServer

/// A whole node: listeners, streams, page and API of one process.
public struct NodeService: Sendable {
    private let settings: NodeSettings
    private let publishesDemo: Bool

    /// A node with these settings; `demo` also publishes a test pattern.
    public init(settings: NodeSettings, demo: Bool) {
        self.settings = settings
        self.publishesDemo = demo
    }

    /// Serves until the process is told to stop.
    public func run() async throws {
        let logger = makeLogger()
        let node = try await RunningNode.start(try NodeAssembly(settings, logger: logger))
        // Without a name a service is reflected whole to make one.
        var services = [ServiceGroupConfiguration.ServiceConfiguration(service: node, serviceName: "node")]
        if publishesDemo {
            let demo = DemoPublisher(port: node.rtmpPort, logger: logger)
            services.append(ServiceGroupConfiguration.ServiceConfiguration(service: demo, serviceName: "demo"))
        }
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: services, gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
        try await group.run()
    }

    private func makeLogger() -> Logger {
        let level = Logger.Level(rawValue: settings.log.level.rawValue) ?? .info
        let format: LogFormat =
            switch settings.log.format {
            case .auto: LogSink.format()
            case .json: .json
            case .text: .text
            }
        return Logger(label: "millrace") { label in LogSink(label: label, level: level, format: format) }
    }
}
