// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Cluster
import Foundation
import Swarm

/// `millrace-load trouble`.
struct TroubleCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trouble", abstract: "Hold many connections as nobody should, and see what a server does about it."
    )

    @Option(
        help: "slow asks and takes a byte a second, half sends the first half of a request, silent nothing.",
        transform: { text in
            if let kind = Trouble(rawValue: text) { return kind }
            throw ValidationError("\(text) is not slow, half or silent")
        })
    var kind: Trouble

    @Option(help: "What is asked for; of several in turns, and {n} is the stream's number from 1.")
    var url: [String]

    @Option(help: "Connections for each stream; one that is ended comes again after a second.")
    var viewers = 1

    @OptionGroup var places: SourceArguments

    @Option(help: "A file of thresholds: {\"most\": {\"oldestSeconds\": 20}}.", completion: .file())
    var thresholds: String?

    @OptionGroup var arguments: RunArguments

    func validate() throws {
        guard !url.isEmpty, viewers > 0 else { throw ValidationError("url and viewers must be 1 or more") }
    }

    func run() throws {
        let thresholds = try thresholds.map(Thresholds.init(file:))
        let report = TroubleReport(try plan().run(), kind: kind, viewers: arguments.streams * viewers)
        try report.write(to: arguments.result)
        try report.hold(thresholds?.broken(by: report) ?? report.shortcomings)
    }

    private func plan() throws -> TroublePlan {
        let targets = try (1...arguments.streams).flatMap { number in
            try url.map { url in
                let url = NameTemplate(url)(number)
                guard let address = HTTPAddress(url), let place = SocketName.resolve(address.host, port: address.port)
                else { throw ValidationError("\(url) is not http://host[:port]/path") }
                return TroublePlan.Target(address: address, name: SocketName(place))
            }
        }
        return TroublePlan(
            trouble: kind, targets: targets,
            sources: try places.addresses.map { SocketName(Endpoint(address: $0, port: 0)) },
            count: arguments.streams * viewers, beginning: .sinceBoot, ramp: arguments.ramp.duration,
            length: .seconds(arguments.seconds))
    }
}

/// The result of `trouble`.
struct TroubleReport: Report {
    let kind: String
    let viewers, opened, refused, closed, open, bytes: Int
    let oldestSeconds: Double
    let closedMilliseconds: TimesReport

    init(_ tally: TroubleTally, kind: Trouble, viewers: Int) {
        self.kind = kind.rawValue
        self.viewers = viewers
        opened = tally.opened
        refused = tally.refused
        closed = tally.closed
        open = tally.open
        bytes = tally.bytes
        oldestSeconds = tally.oldest / .seconds(1)
        closedMilliseconds = TimesReport(tally.closedTimes)
    }

    /// What was not as it must be where nobody says how it must be.
    var shortcomings: [String] { opened == 0 ? ["no connection was made"] : [] }

    var summary: String {
        """
        \(opened) connections of \(viewers) \(kind) peers, \(refused) refused, \(closed) ended by the server, \(open) there at \
        the end, the oldest for \(Int(oldestSeconds)) s; \(bytes) bytes taken
        \(TimesReport.heading)
        \(closedMilliseconds.line("until they were ended"))
        """
    }
}
