// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import NIOCore
import Swarm

/// `millrace-load watch rtmp`.
struct WatchRTMPCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rtmp", abstract: "Watch streams over RTMP, as they come.")

    @OptionGroup var play: PlayArguments

    func run() throws { try play.run(scheme: "rtmp") { RTMPConversation($0) } }
}

/// `millrace-load watch flv`.
struct WatchFLVCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "flv", abstract: "Watch streams as endless FLV files over HTTP, as they come.")

    @OptionGroup var play: PlayArguments

    func run() throws { try play.run(scheme: "http") { FLVConversation($0) } }
}

/// What viewers of both are told.
struct PlayArguments: ParsableArguments {
    @Option(
        help:
            "The stream, rtmp://host/app/name or http://host/app/name.flv; {n} is its number from 1. Of several in turns."
    )
    var url: [String]

    @Option(help: "Viewers of each stream.")
    var viewers = 1

    @Option(help: "How long a viewer stays on average before another comes: 30s; to the end without it.")
    var stay: RampTime?

    @OptionGroup var places: SourceArguments

    @Flag(help: "Write a line each second.")
    var progress = false

    @Option(help: "Where the result is written as a page with charts too.", completion: .file(extensions: ["html"]))
    var page: String?

    @Option(
        help: "A file of thresholds: {\"most\": {\"faultCount\": 0}, \"least\": {\"started\": 10}}.",
        completion: .file())
    var thresholds: String?

    @OptionGroup var arguments: RunArguments

    func validate() throws {
        guard !url.isEmpty, viewers > 0 else { throw ValidationError("url and viewers must be 1 or more") }
    }

    /// Runs the viewers, and tells what they saw.
    func run(
        scheme: String, _ conversation: @escaping @Sendable (HTTPAddress) -> any PlayConversation
    ) throws {
        let thresholds = try thresholds.map(Thresholds.init(file:))
        let plan = try plan(scheme, conversation)
        let tally = try watch(plan)
        let report = PlayReport(
            tally, viewers: plan.viewers, length: plan.passed, settle: .zero, samples: plan.board.seconds)
        try report.write(to: arguments.result)
        let broken = try thresholds?.broken(by: report) ?? report.shortcomings
        if let page {
            try report.page("\(plan.viewers) viewers of \(url.joined(separator: ", "))", broken: broken).write(to: page)
        }
        try report.hold(broken)
    }

    private func plan(
        _ scheme: String, _ conversation: @escaping @Sendable (HTTPAddress) -> any PlayConversation
    ) throws -> PlayPlan {
        // Viewers take turns at the streams first, and at the places of each then.
        let targets = try url.flatMap { url in
            try (1...arguments.streams).map { number in
                let url = NameTemplate(url)(number)
                guard let address = HTTPAddress(url, scheme: scheme), address.path.split(separator: "/").count > 1
                else {
                    throw ValidationError("\(url) is not \(scheme)://host[:port]/app/name")
                }
                return address
            }
        }
        return PlayPlan(
            targets: targets, viewers: arguments.streams * viewers, beginning: .sinceBoot,
            length: .seconds(arguments.seconds), ramp: arguments.ramp.duration, stay: stay?.duration,
            sources: try places.addresses.map { try SocketAddress(ipAddress: "\($0)", port: 0) },
            board: PlayProgressBoard(isShown: progress), conversation: conversation)
    }

    private func watch(_ plan: PlayPlan) throws -> PlayTally {
        try arguments.withLoops { loops in
            let swarms = try loops.enumerated().map { thread, loop in
                try LoopSwarm<PlayTally>(loop, interval: .milliseconds(10), lags: \.lags) {
                    [count = loops.count] tally in
                    let viewers = stride(from: thread, to: plan.viewers, by: count).map {
                        PlayViewer(plan, number: $0, eventLoop: loop, tally: tally)
                    }
                    let reporter = PlayReporter(plan, viewers, tally: tally, thread: thread)
                    return viewers as [any SwarmMember] + [reporter]
                }
            }
            arguments.wait()
            return try swarms.reduce(into: PlayTally()) { $0.merge(try $1.finish()) }
        }
    }
}

extension PlayTally: Tally {}
