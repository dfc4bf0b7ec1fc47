// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import NIOCore
import Swarm

/// `millrace-load publish rtmp`.
struct PublishRTMPCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rtmp", abstract: "Publish an FLV clip as many RTMP streams, each at the speed of life."
    )

    @Option(help: "The server and the app: rtmp://host[:port]/app; of several each stream has one.")
    var url: [String]

    @Option(help: "The streams' names; {n} is the stream's number from 1. A query may follow.")
    var name = "load-{n}"

    @Option(help: "The FLV file.", completion: .file(extensions: ["flv"]))
    var file: String

    @Flag(help: "Write the time over the end of each picture, for viewers on this machine that measure delay.")
    var stamp = false

    @Option(
        help: "How long a stream that is lost waits before it comes back, at the next server: 500ms. Never without it.")
    var again: RampTime?

    @OptionGroup var arguments: RunArguments

    func validate() throws {
        guard !url.isEmpty else { throw ValidationError("--url is missing") }
    }

    func run() throws {
        let targets = try url.map { try RTMPTarget(url: $0, name: NameTemplate(name)) }
        guard NameTemplate(name).isNumbered || arguments.streams == 1 else {
            throw ValidationError("--name needs {n} for more than one stream")
        }
        let clip = try Clip(flv: Array(try Data(contentsOf: URL(fileURLWithPath: file)))[...])
        let begun = Duration.sinceBoot
        let tally = try arguments.withLoops { loops in
            let swarms = try loops.enumerated().map { try begin($1, number: $0, clip, targets) }
            arguments.wait()
            return try swarms.reduce(into: PublisherTally()) { $0.merge(try $1.finish()) }
        }
        try PublishReport(tally, streams: arguments.streams, seconds: Int((Duration.sinceBoot - begun) / .seconds(1)))
            .write(to: arguments.result)
        guard tally.failed == 0 || again != nil else { throw ExitCode.failure }
    }

    private func begin(
        _ loop: any EventLoop, number: Int, _ clip: Clip, _ targets: [RTMPTarget]
    ) throws -> LoopSwarm<PublisherTally> {
        let numbers = stride(from: number, to: arguments.streams, by: arguments.loops)
        return try LoopSwarm(loop, interval: RTMPPublisher.step, lags: \.lags) { [stamp, again] tally in
            numbers.map { index in
                RTMPPublisher(
                    targets, number: index + 1, clip: clip, isStamped: stamp, pause: again?.duration, eventLoop: loop,
                    tally: tally, beginning: .sinceBoot + arguments.beginning(index, of: arguments.streams))
            }
        }
    }
}

/// Where RTMP streams go.
struct RTMPTarget: Sendable {
    let url: String
    let app: String
    let name: NameTemplate
    let address: SocketAddress

    init(url: String, name: NameTemplate) throws {
        guard let location = HTTPAddress(url, scheme: "rtmp"), location.path.count > 1 else {
            throw ValidationError("\(url) is not rtmp://host[:port]/app")
        }
        self.url = url
        self.name = name
        app = String(location.path.dropFirst())
        address = try SocketAddress.makeAddressResolvingHost(location.host, port: location.port)
    }
}
