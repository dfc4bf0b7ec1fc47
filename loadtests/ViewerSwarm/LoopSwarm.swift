// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Swarm

/// A tally that all members of one loop write to.
final class Shared<Value> {
    var value: Value
    init(_ value: Value) { self.value = value }
}

/// Counts that can begin at nothing.
protocol Tally: Sendable {
    init()
}

/// All members of one event loop with their tally, as the main thread holds them.
struct LoopSwarm<Counts: Tally>: Sendable {
    private struct Parts {
        let ticker: LoopTicker
        let tally: Shared<Counts>
        let members: [any SwarmMember]
    }

    private let eventLoop: any EventLoop
    private let parts: NIOLoopBound<Parts>

    /// Makes the members on the loop and lets them begin.
    /// - Parameter lags: where it is counted how late the loop is.
    init(
        _ eventLoop: any EventLoop, interval: Duration, lags: any WritableKeyPath<Counts, Histogram> & Sendable,
        members: @escaping @Sendable (Shared<Counts>) -> [any SwarmMember]
    ) throws {
        self.eventLoop = eventLoop
        parts = try eventLoop.submit {
            let tally = Shared(Counts())
            let members = members(tally)
            let ticker = LoopTicker(eventLoop: eventLoop, interval: interval, members: members) { lag in
                tally.value[keyPath: lags].add(lag, every: interval)
            }
            ticker.start()
            return NIOLoopBound(Parts(ticker: ticker, tally: tally, members: members), eventLoop: eventLoop)
        }.wait()
    }

    /// Ends all members and returns what they counted.
    func finish() throws -> Counts {
        try eventLoop.submit { [parts] in
            parts.value.ticker.stop()
            for member in parts.value.members { member.finish() }
            return parts.value.tally.value
        }.wait()
    }
}

/// One publisher or viewer; it lives on one event loop.
protocol SwarmMember: AnyObject {
    /// Does what is due.
    func tick(now: Duration)
    /// Leaves as politely as its protocol can.
    func finish()
}
