// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Cluster
import Foundation
import Media
import NIOCore
import Swarm

/// `millrace-load publish rtp`.
struct PublishRTPCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rtp",
        abstract: "Send the pictures of an FLV clip as plain RTP, as many streams, each at the speed of life."
    )

    @Option(help: "Where packets go: rtp://host[:port].")
    var url: String

    @Option(help: "The SSRC of the first stream; the others have the numbers behind it.")
    var source: UInt32 = 1

    @Option(help: "The FLV file; its sound is left out.", completion: .file(extensions: ["flv"]))
    var file: String

    @Flag(help: "Write the time over the end of each picture, for viewers on this machine that measure delay.")
    var stamp = false

    @Option(
        help: "Where each stream is described in SDP before it begins; {n} is its number from 1.",
        completion: .file(extensions: ["sdp"]))
    var describe: String?

    @OptionGroup var arguments: RunArguments

    func run() throws {
        guard let address = HTTPAddress(url, scheme: "rtp"),
            let server = SocketName.resolve(address.host, port: address.port)
        else { throw ValidationError("\(url) is not rtp://host[:port]") }
        let sessions = try sessions()
        if let describe {
            guard NameTemplate(describe).isNumbered || sessions.count == 1 else {
                throw ValidationError("--describe needs {n} for more than one stream")
            }
            for (index, session) in sessions.enumerated() {
                let text = session.description(port: address.port)
                try Data(text.utf8).write(to: URL(fileURLWithPath: NameTemplate(describe)(index + 1)), options: .atomic)
            }
        }
        let begun = Duration.sinceBoot
        let tally = try arguments.withLoops { loops in
            let swarms = try loops.enumerated().map { try begin($1, number: $0, sessions, server, begun) }
            arguments.wait()
            return try swarms.reduce(into: PublisherTally()) { $0.merge(try $1.finish()) }
        }
        try PublishReport(tally, streams: arguments.streams, seconds: Int((Duration.sinceBoot - begun) / .seconds(1)))
            .write(to: arguments.result)
        guard tally.failed == 0 else { throw ExitCode.failure }
    }

    private func sessions() throws -> [RTPPublisherSession] {
        let clip = try Clip(flv: Array(try Data(contentsOf: URL(fileURLWithPath: file)))[...])
        let wall = WallTime(milliseconds: Int64(Date().timeIntervalSince1970 * 1000))
        let pictures = try ClipPictures(clip, wall: wall, now: .sinceBoot)
        return (0..<arguments.streams).map { index in
            RTPPublisherSession(pictures, source: source &+ UInt32(truncatingIfNeeded: index))
        }
    }

    private func begin(
        _ loop: any EventLoop, number: Int, _ sessions: [RTPPublisherSession], _ server: Endpoint, _ begun: Duration
    ) throws -> LoopSwarm<PublisherTally> {
        let numbers = stride(from: number, to: sessions.count, by: arguments.loops)
        let beginnings = sessions.indices.map { begun + arguments.beginning($0, of: sessions.count) }
        return try LoopSwarm(loop, interval: RTPPublisher.step, lags: \.lags) { [stamp] tally in
            numbers.map { index in
                RTPPublisher(
                    sessions[index], to: server, isStamped: stamp, beginning: beginnings[index], tally: tally)
            }
        }
    }
}
