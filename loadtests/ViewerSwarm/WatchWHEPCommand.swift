// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import Media
import SecureMedia
import Swarm
import WebRTC

/// `millrace-load watch whep`.
struct WatchWHEPCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "whep", abstract: "Watch streams over WebRTC: checks, DTLS, SRTP and whole pictures."
    )

    @Option(
        help:
            "The WHEP endpoint, or the API of Janus, http or https (by whatever certificate); {n} is the stream's number from 1."
    )
    var url: String

    @Option(help: "Viewers of each stream.")
    var viewers = 1

    @Option(help: "How many join in a second, instead of --ramp.")
    var joins: Int?

    @Option(help: "How long a viewer stays before it leaves and another comes: 3s; to the end without it.")
    var stay: RampTime?

    @Option(help: "From when on packets count as steady, after the run's beginning.")
    var settle = RampTime(duration: .zero)

    @Option(
        help: """
            Of how many viewers of a stream one, the last to join, opens all that it gets; the others count what comes once \
            they have had a picture.
            """)
    var whole = 1

    @Flag(help: "Write a line each second.")
    var progress = false

    @Option(help: "Where the result is written as a page with charts too.", completion: .file(extensions: ["html"]))
    var page: String?

    @Option(help: "A bearer's token.")
    var token: String?

    @Option(help: "Who begins the handshake: actpass leaves it to the server, active, passive.")
    var setup = HandshakeChoice.actpass

    @Option(help: "Watch this mountpoint of Janus's streaming plugin.")
    var janus: Int?

    @Option(
        help: "A file of thresholds: {\"most\": {\"faults\": 0}, \"least\": {\"connected\": 10}}.", completion: .file())
    var thresholds: String?

    @OptionGroup var arguments: RunArguments

    func validate() throws {
        guard viewers > 0, whole > 0, joins.map({ $0 > 0 }) ?? true else {
            throw ValidationError("viewers, joins and whole must be 1 or more")
        }
    }

    func run() throws {
        let thresholds = try thresholds.map(Thresholds.init(file:))
        let plan = try plan()
        let tally = watch(plan)
        let report = PlayReport(
            tally, viewers: count, length: plan.passed, settle: plan.settle, samples: plan.board.seconds)
        try report.write(to: arguments.result)
        let broken = try thresholds?.broken(by: report) ?? report.shortcomings
        if let page { try report.page("\(count) viewers of \(url)", broken: broken).write(to: page) }
        try report.hold(broken)
    }

    private var count: Int { arguments.streams * viewers }

    private func plan() throws -> WHEPPlan {
        let addresses = try (1...arguments.streams).map { number in
            let url = NameTemplate(url)(number)
            guard let address = HTTPAddress(web: url) else {
                throw ValidationError("\(url) is not http[s]://host[:port]/path")
            }
            return address
        }
        let now = WallTime(milliseconds: Int64(Date().timeIntervalSince1970 * 1000))
        return WHEPPlan(
            identity: .generate(now: now), setup: setup.description, viewers: count, beginning: .sinceBoot,
            length: .seconds(arguments.seconds),
            settle: settle.duration, ramp: joins.map { .seconds(1) * count / $0 } ?? arguments.ramp.duration,
            stay: stay?.duration, board: PlayProgressBoard(isShown: progress),
            isWhole: { [group = min(whole, viewers)] index in index / addresses.count % group == group - 1 }
        ) { [janus, token] index in
            let address = addresses[index % addresses.count]
            if let janus { return JanusSignaling(address, mountpoint: janus) }
            return WHEPSignaling(address, token: token)
        }
    }

    private func watch(_ plan: WHEPPlan) -> PlayTally {
        let tallies = onThreads(arguments.loops) { [loops = arguments.loops] thread in
            WHEPSwarm(plan).run(thread: thread, of: loops)
        }
        return tallies.reduce(into: PlayTally()) { $0.merge($1) }
    }
}

/// Who begins the handshake of DTLS, as an offer says it.
enum HandshakeChoice: String, ExpressibleByArgument, CaseIterable {
    case actpass
    case active
    case passive

    /// As it stands in SDP.
    var description: DTLSSetup {
        switch self {
        case .active: .active
        case .actpass: .either
        case .passive: .passive
        }
    }
}
