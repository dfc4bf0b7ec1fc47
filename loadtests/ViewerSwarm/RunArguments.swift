// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import NIOCore
import NIOPosix

/// What every run is told.
struct RunArguments: ParsableArguments {
    @Option(help: "How many streams there are.")
    var streams = 1

    @Option(help: "How long to go on, in seconds, from the beginning of the ramp.")
    var seconds = 60

    @Option(help: "Over how long to begin, one after the other: 500ms, 5s, 1m.")
    var ramp: RampTime = RampTime(duration: .zero)

    @Option(help: "Event loops, each with a thread of its own.")
    var loops = 1

    @Option(help: "Where the result is written as JSON; standard output without it.", completion: .file())
    var result: String?

    func validate() throws {
        guard streams > 0, seconds > 0, loops > 0 else {
            throw ValidationError("streams, seconds and loops must be 1 or more")
        }
    }

    /// Runs `body` with the event loops, and ends them.
    func withLoops<Answer>(_ body: ([any EventLoop]) throws -> Answer) throws -> Answer {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: loops)
        defer { try? group.syncShutdownGracefully() }
        return try body(Array(group.makeIterator()))
    }

    /// Until the run is over, or somebody asks for its end.
    func wait() {
        let end = Duration.sinceBoot + .seconds(seconds)
        while !Interrupt.isAsked, Duration.sinceBoot < end { Thread.sleep(forTimeInterval: 0.05) }
    }

    /// When party number `index` of `count` begins, after the run's beginning.
    func beginning(_ index: Int, of count: Int) -> Duration { ramp.duration * index / count }
}

/// A time with a unit.
struct RampTime: ExpressibleByArgument {
    let duration: Duration

    init(duration: Duration) { self.duration = duration }

    init?(argument: String) {
        let units: [(String, Duration)] = [("ms", .milliseconds(1)), ("s", .seconds(1)), ("m", .seconds(60))]
        for (suffix, unit) in units where argument.hasSuffix(suffix) {
            guard let count = Int(argument.dropLast(suffix.count)), (0...86_400_000).contains(count) else { return nil }
            duration = unit * count
            return
        }
        return nil
    }

    var defaultValueDescription: String { "\(duration / .milliseconds(1))ms" }
}
