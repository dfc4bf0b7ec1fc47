// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import Media
import SecureMedia
import Swarm
import Synchronization
import WebRTC

/// `millrace-load watch whep`.
struct WatchWHEPCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "whep", abstract: "Watch streams over WebRTC: checks, DTLS, SRTP and whole pictures."
    )

    @Option(help: "The WHEP endpoint, or the API of Janus; {n} is the stream's number from 1.")
    var url: String

    @Option(help: "Viewers of each stream.")
    var viewers = 1

    @Option(help: "How many join in a second, instead of --ramp.")
    var joins: Int?

    @Option(help: "How long a viewer stays before it leaves and another comes: 3s; to the end without it.")
    var stay: RampTime?

    @Option(help: "From when on packets count as steady, after the run's beginning.")
    var settle = RampTime(duration: .zero)

    @Flag(help: "Write a line each second.")
    var progress = false

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
        guard viewers > 0, joins.map({ $0 > 0 }) ?? true else {
            throw ValidationError("viewers and joins must be 1 or more")
        }
    }

    func run() throws {
        let thresholds = try thresholds.map(Thresholds.init(file:))
        let plan = try plan()
        let report = WHEPReport(watch(plan), viewers: count, length: plan.length, settle: plan.settle)
        try report.write(to: arguments.result)
        let broken = try thresholds?.broken(by: report) ?? report.shortcomings
        for line in broken { FileHandle.standardError.write(Data("NOT MET: \(line)\n".utf8)) }
        guard broken.isEmpty else { throw ExitCode.failure }
    }

    private var count: Int { arguments.streams * viewers }

    private func plan() throws -> WHEPPlan {
        let addresses = try (1...arguments.streams).map { number in
            let url = NameTemplate(url)(number)
            guard let address = HTTPAddress(url) else { throw ValidationError("\(url) is not http://host[:port]/path") }
            return address
        }
        let now = WallTime(milliseconds: Int64(Date().timeIntervalSince1970 * 1000))
        return WHEPPlan(
            identity: .generate(now: now), setup: setup.description, viewers: count, beginning: .sinceBoot,
            length: .seconds(arguments.seconds),
            settle: settle.duration, ramp: joins.map { .seconds(1) * count / $0 } ?? arguments.ramp.duration,
            stay: stay?.duration, board: progress ? WHEPProgressBoard() : nil
        ) { [janus, token] index in
            let address = addresses[index % addresses.count]
            if let janus { return JanusSignaling(address, mountpoint: janus) }
            return WHEPSignaling(address, token: token)
        }
    }

    private func watch(_ plan: WHEPPlan) -> WHEPTally {
        let tallies = TallyBox()
        let running = DispatchGroup()
        for number in 0..<arguments.loops {
            running.enter()
            // Threads of our own: a queue runs no more at a time than there are processors.
            let thread = Thread { [loops = arguments.loops] in
                tallies.append(WHEPSwarm(plan).run(thread: number, of: loops))
                running.leave()
            }
            thread.start()
        }
        running.wait()
        return tallies.sum
    }
}

/// What all threads counted.
private final class TallyBox: Sendable {
    private let tallies = Mutex<[WHEPTally]>([])

    var sum: WHEPTally { tallies.withLock { $0.reduce(into: WHEPTally()) { $0.merge($1) } } }

    func append(_ tally: WHEPTally) { tallies.withLock { $0.append(tally) } }
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
