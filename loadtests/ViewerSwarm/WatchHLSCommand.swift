// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import Swarm

/// `millrace-load watch hls`.
struct WatchHLSCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hls", abstract: "Watch HLS streams as hls.js does, Low-Latency where the playlist has parts."
    )

    @Option(
        help:
            "The playlist, multivariant or media, http or https (by whatever certificate); {n} is the stream's number from 1. Of several viewers take turns."
    )
    var url: [String]

    @Option(help: "Viewers of each stream.")
    var viewers = 1

    @OptionGroup var player: PlayerArguments

    @Option(help: "Let viewers choose their streams by Zipf's law, with this exponent; 1 is usual.")
    var zipf: Double?

    @Option(help: "How long a viewer stays on average before another comes: 30s; to the end without it.")
    var stay: RampTime?

    @OptionGroup var places: SourceArguments

    @Option(help: "What viewers choose by chance follows from this.")
    var seed: UInt64 = 1

    @Flag(help: "Write a line each second.")
    var progress = false

    @Option(help: "Where the result is written as a page with charts too.", completion: .file(extensions: ["html"]))
    var page: String?

    @Option(
        help: "A file of thresholds: {\"most\": {\"stalls\": 0}, \"least\": {\"started\": 10}}.", completion: .file())
    var thresholds: String?

    @OptionGroup var arguments: RunArguments

    func validate() throws {
        guard !url.isEmpty, viewers > 0, zipf.map({ $0 >= 0 }) ?? true else {
            throw ValidationError("url and viewers must be 1 or more, zipf 0 or more")
        }
    }

    func run() throws {
        let thresholds = try thresholds.map(Thresholds.init(file:))
        let plan = try plan()
        let outcome = watch(plan)
        let report = HLSReport(outcome, viewers: count, seconds: plan.passed)
        try report.write(to: arguments.result)
        let broken = try thresholds?.broken(by: report) ?? report.shortcomings
        if let page {
            try report.page("\(count) viewers of \(url.joined(separator: ", "))", broken: broken).write(to: page)
        }
        try report.hold(broken)
    }

    private var count: Int { arguments.streams * viewers }

    private func plan() throws -> HLSPlan {
        let targets = try (1...arguments.streams).map { number in
            try url.map { url in
                let url = NameTemplate(url)(number)
                guard let address = HTTPAddress(web: url) else {
                    throw ValidationError("\(url) is not http[s]://host[:port]/path")
                }
                return address
            }
        }
        return HLSPlan(
            targets: targets, viewers: count, settings: player.settings, beginning: .sinceBoot,
            length: .seconds(arguments.seconds), ramp: arguments.ramp.duration, stay: stay?.duration,
            audience: zipf.map { Audience(streams: targets.count, exponent: $0) }, sources: try places.addresses,
            seed: seed)
    }

    private func watch(_ plan: HLSPlan) -> HLSOutcome {
        let board = HLSProgressBoard(threads: arguments.loops, isShown: progress)
        let outcomes = onThreads(arguments.loops) { [loops = arguments.loops] thread in
            HLSSwarm(plan, thread: thread, board: board).run(thread: thread, of: loops)
        }
        return outcomes.reduce(into: HLSOutcome()) { $0.merge($1) }
    }
}

/// What kind of a player a viewer has.
struct PlayerArguments: ParsableArguments {
    @Option(help: "Connections of a viewer: 1, or 2 with playlists and media beside each other.")
    var connections = 2

    @Flag(help: "Play whole segments and poll, as players that know nothing of Low-Latency HLS.")
    var legacy = false

    @Flag(help: "Ask for the parts of preload hints, as Apple's player does.")
    var hints = false

    @Flag(help: "Never ask for delta updates.")
    var whole = false

    func validate() throws {
        guard (1...2).contains(connections) else { throw ValidationError("connections must be 1 or 2") }
        guard !hints || connections == 2 else { throw ValidationError("--hints needs two connections") }
    }

    /// The same for a session.
    var settings: HLSViewerSettings {
        var settings = HLSViewerSettings()
        settings.connections = connections
        settings.isLowLatency = !legacy
        settings.takesHints = hints
        settings.takesDeltas = !whole
        return settings
    }
}
