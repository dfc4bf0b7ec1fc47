// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import Media
import SecureMedia
import Swarm

/// `millrace-load publish whip`.
struct PublishWHIPCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "whip",
        abstract: "Publish the pictures of an FLV clip over WebRTC, as many streams, each at the speed of life."
    )

    @Option(help: "The WHIP endpoint, http or https (by whatever certificate); {n} is the stream's number.")
    var url: String

    @Option(help: "The number of the first stream.")
    var first = 1

    @Option(help: "The FLV file; its sound is left out.", completion: .file(extensions: ["flv"]))
    var file: String

    @Flag(help: "Write the time over the end of each picture, for viewers on this machine that measure delay.")
    var stamp = false

    @Option(help: "A bearer's token.")
    var token: String?

    @OptionGroup var arguments: RunArguments

    func validate() throws {
        guard (0...1_000_000).contains(first) else { throw ValidationError("first must be 0 to 1000000") }
    }

    func run() throws {
        let plan = try plan()
        let tallies = onThreads(arguments.loops) { [loops = arguments.loops] thread in
            WHIPSwarm(plan).run(thread: thread, of: loops)
        }
        let tally = tallies.reduce(into: PublisherTally()) { $0.merge($1) }
        let seconds = Int((Duration.sinceBoot - plan.beginning) / .seconds(1))
        try PublishReport(tally, streams: arguments.streams, seconds: seconds).write(to: arguments.result)
        guard tally.failed == 0 else { throw ExitCode.failure }
    }

    private func plan() throws -> WHIPPlan {
        let template = NameTemplate(url)
        guard template.isNumbered || arguments.streams == 1 else {
            throw ValidationError("--url needs {n} for more than one stream")
        }
        let addresses = try (first..<first + arguments.streams).map { number in
            guard let address = HTTPAddress(web: template(number)) else {
                throw ValidationError("\(template(number)) is not http[s]://host[:port]/path")
            }
            return address
        }
        let clip = try Clip(flv: Array(try Data(contentsOf: URL(fileURLWithPath: file)))[...])
        let wall = WallTime(milliseconds: Int64(Date().timeIntervalSince1970 * 1000))
        let now = Duration.sinceBoot
        return WHIPPlan(
            identity: .generate(now: wall), addresses: addresses, token: token,
            pictures: try ClipPictures(clip, wall: wall, now: now), isStamped: stamp, beginning: now,
            length: .seconds(arguments.seconds), ramp: arguments.ramp.duration)
    }
}
