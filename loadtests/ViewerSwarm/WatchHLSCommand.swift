// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Cluster
import Foundation
import Swarm
import Synchronization

/// `millrace-load watch hls`.
struct WatchHLSCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hls", abstract: "Watch HLS streams as hls.js does, Low-Latency where the playlist has parts."
    )

    @Option(
        help: "The playlist, multivariant or media; {n} is the stream's number from 1. Of several viewers take turns.")
    var url: [String]

    @Option(help: "Viewers of each stream.")
    var viewers = 1

    @OptionGroup var player: PlayerArguments

    @Option(help: "Let viewers choose their streams by Zipf's law, with this exponent; 1 is usual.")
    var zipf: Double?

    @Option(help: "How long a viewer stays on average before another comes: 30s; to the end without it.")
    var stay: RampTime?

    @Option(help: "The first address that viewers look from.")
    var from: String?

    @Option(help: "How many addresses they look from, from that one on.")
    var sources = 1

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
        guard !url.isEmpty, viewers > 0, sources > 0, zipf.map({ $0 >= 0 }) ?? true else {
            throw ValidationError("url, viewers and sources must be 1 or more, zipf 0 or more")
        }
        guard sources == 1 || from != nil else { throw ValidationError("--sources needs --from") }
    }

    func run() throws {
        let thresholds = try thresholds.map(Thresholds.init(file:))
        let report = HLSReport(watch(try plan()), viewers: count, seconds: arguments.seconds)
        try report.write(to: arguments.result)
        let broken = try thresholds?.broken(by: report) ?? report.shortcomings
        for line in broken { FileHandle.standardError.write(Data("NOT MET: \(line)\n".utf8)) }
        if let page {
            let title = "\(count) viewers of \(url.joined(separator: ", "))"
            let text = HTMLPage(report: report, title: title, broken: broken).text
            try Data(text.utf8).write(to: URL(fileURLWithPath: page))
        }
        guard broken.isEmpty else { throw ExitCode.failure }
    }

    private var count: Int { arguments.streams * viewers }

    private func plan() throws -> HLSPlan {
        let targets = try (1...arguments.streams).map { number in
            try url.map { url in
                let url = NameTemplate(url)(number)
                guard let address = HTTPAddress(url) else {
                    throw ValidationError("\(url) is not http://host[:port]/path")
                }
                return address
            }
        }
        return HLSPlan(
            targets: targets, viewers: count, settings: player.settings, beginning: .sinceBoot,
            length: .seconds(arguments.seconds), ramp: arguments.ramp.duration, stay: stay?.duration,
            audience: zipf.map { Audience(streams: targets.count, exponent: $0) }, sources: try places(), seed: seed)
    }

    private func places() throws -> [IPAddress] {
        guard let from else { return [] }
        guard case .v4(let first)? = IPAddress(parsing: from) else {
            throw ValidationError("\(from) is no address of IPv4")
        }
        return (0..<sources).map { .v4(first &+ UInt32(truncatingIfNeeded: $0)) }
    }

    private func watch(_ plan: HLSPlan) -> HLSOutcome {
        let outcomes = Mutex<[HLSOutcome]>([])
        let board = HLSProgressBoard(threads: arguments.loops, isShown: progress)
        DispatchQueue.concurrentPerform(iterations: arguments.loops) { [loops = arguments.loops] thread in
            let outcome = HLSSwarm(plan, thread: thread, board: board).run(thread: thread, of: loops)
            outcomes.withLock { $0.append(outcome) }
        }
        return outcomes.withLock { $0.reduce(into: HLSOutcome()) { $0.merge($1) } }
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
