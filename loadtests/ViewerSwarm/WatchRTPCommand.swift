// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Cluster
import Swarm

/// `millrace-load watch rtp`.
struct WatchRTPCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rtp",
        abstract: "Take plain RTP at a port for each viewer, and count what is missing by its numbers.",
        discussion: "Who controls the server adds them: its subscribers are this machine's ports from --port on."
    )

    @Option(help: "The address of this machine that packets go to.")
    var host = "127.0.0.1"

    @Option(help: "The port of the first viewer; the others have the ports behind it.")
    var port: Int

    @Option(help: "Viewers of each stream.")
    var viewers = 1

    @Flag(help: "Write a line each second.")
    var progress = false

    @Option(help: "Where the result is written as a page with charts too.", completion: .file(extensions: ["html"]))
    var page: String?

    @Option(
        help: "A file of thresholds: {\"most\": {\"lostPackets\": 0}, \"least\": {\"started\": 10}}.",
        completion: .file())
    var thresholds: String?

    @OptionGroup var arguments: RunArguments

    func validate() throws {
        guard viewers > 0, port > 0, port + arguments.streams * viewers <= 65_536 else {
            throw ValidationError("viewers must be 1 or more, and there are ports from 1 to 65535")
        }
        guard IPAddress(parsing: host) != nil else { throw ValidationError("\(host) is no address") }
    }

    func run() throws {
        let thresholds = try thresholds.map(Thresholds.init(file:))
        guard let address = IPAddress(parsing: host) else { throw ValidationError("\(host) is no address") }
        let plan = RTPPlan(
            first: Endpoint(address: address, port: UInt16(clamping: port)), viewers: arguments.streams * viewers,
            beginning: .sinceBoot, length: .seconds(arguments.seconds), board: PlayProgressBoard(isShown: progress))
        let tallies = onThreads(arguments.loops) { [loops = arguments.loops] thread in
            RTPSwarm(plan).run(thread: thread, of: loops)
        }
        let report = PlayReport(
            tallies.reduce(into: PlayTally()) { $0.merge($1) }, viewers: plan.viewers, length: plan.passed,
            settle: .zero, samples: plan.board.seconds)
        try report.write(to: arguments.result)
        let broken = try thresholds?.broken(by: report) ?? report.shortcomings
        if let page {
            try report.page("\(plan.viewers) viewers of RTP at \(plan.first)", broken: broken).write(to: page)
        }
        try report.hold(broken)
    }
}
