// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import NIOCore
import Swarm

/// `millrace-load watch hls`.
struct WatchHLSCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hls", abstract: "Watch HLS streams, Low-Latency where the playlist has parts."
    )

    @Option(help: "The playlist, multivariant or media; {n} is the stream's number from 1.")
    var url: String

    @Option(help: "Viewers of each stream.")
    var viewers = 1

    @Option(help: "Connections of a viewer: 1, or 2 with playlists and media beside each other.")
    var connections = 2

    @OptionGroup var arguments: RunArguments

    func validate() throws {
        guard viewers > 0, (1...2).contains(connections) else {
            throw ValidationError("viewers must be 1 or more, connections 1 or 2")
        }
    }

    func run() throws {
        let targets = try (1...arguments.streams).map { try HLSTarget(url: NameTemplate(url)($0)) }
        let tally = try arguments.withLoops { loops in
            let swarms = try loops.enumerated().map { try begin($1, number: $0, targets) }
            Thread.sleep(forTimeInterval: TimeInterval(arguments.seconds))
            return try swarms.reduce(into: ViewerTally()) { $0.merge(try $1.finish()) }
        }
        try WatchReport(tally, viewers: count, seconds: arguments.seconds).write(to: arguments.result)
        guard tally.started == count, tally.faultCount == 0 else { throw ExitCode.failure }
    }

    private var count: Int { arguments.streams * viewers }

    private func begin(
        _ loop: any EventLoop, number: Int, _ targets: [HLSTarget]
    ) throws -> LoopSwarm<ViewerTally> {
        var settings = HLSViewerSettings()
        settings.connections = connections
        let numbers = stride(from: number, to: count, by: arguments.loops)
        return try LoopSwarm(loop, interval: .milliseconds(20)) { [settings] tally in
            numbers.map { index in
                HLSViewer(
                    targets[index % targets.count], settings: settings, eventLoop: loop, tally: tally,
                    beginning: .sinceBoot + arguments.beginning(index, of: count))
            }
        }
    }
}

/// Where a viewer's requests go.
struct HLSTarget: Sendable {
    let location: HTTPAddress
    let address: SocketAddress

    init(url: String) throws {
        guard let location = HTTPAddress(url) else { throw ValidationError("\(url) is not http://host[:port]/path") }
        self.location = location
        address = try SocketAddress.makeAddressResolvingHost(location.host, port: location.port)
    }
}
