// SPDX-License-Identifier: Apache-2.0

import Cluster
import Swarm

/// All HLS viewers of one thread: they share what they read with, and what they have seen.
final class HLSSwarm {
    let plan: HLSPlan
    var commons = HLSCommons()
    let poll = SocketPoll()
    /// What connections of `https` have in common; made with the first.
    private(set) lazy var security = TLSContext()
    /// What all their sockets are read into.
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 16)
    private let board: HLSProgressBoard
    private var random: SplitMix
    let names = ServerNames()
    private var samples: [HLSSample] = []
    private var sampled = ViewerTally()
    /// How late this thread was to do what was due.
    private var lags = Histogram()

    init(_ plan: HLSPlan, thread: Int, board: HLSProgressBoard) {
        self.plan = plan
        self.board = board
        random = SplitMix(seed: plan.seed &+ UInt64(thread))
    }

    deinit { buffer.deallocate() }

    /// Runs the viewers of one thread of so many, from now until the plan's end, and lets them leave.
    func run(thread: Int, of threads: Int) -> HLSOutcome {
        let viewers = stride(from: thread, to: plan.viewers, by: threads).map { index in
            HLSViewer(self, number: index, beginning: plan.beginning + plan.ramp * index / plan.viewers)
        }
        let end = plan.beginning + plan.length
        var (due, sampleDue) = (Duration.sinceBoot, plan.beginning + Self.sampleTime)
        while true {
            if Duration.sinceBoot >= due {
                drain()
                let now = Duration.sinceBoot
                lags.add(now - due, every: Self.interval)
                for viewer in viewers { viewer.tick(now: now) }
                if now >= sampleDue {
                    sample(viewers, thread, now)
                    sampleDue += Self.sampleTime
                }
                if now >= end || Interrupt.isAsked { break }
                due = now + Self.interval
            }
            poll.turn(atMost: max(due - .sinceBoot, .zero))
        }
        let now = Duration.sinceBoot
        for viewer in viewers { viewer.finish(now: now) }
        return HLSOutcome(tally: commons.tally, lags: lags, samples: samples)
    }

    /// What has come is in time, however late this thread may be.
    private func drain() {
        var turns = 0
        while turns < Self.mostTurns, poll.turn(atMost: .zero) { turns += 1 }
    }

    private func sample(_ viewers: [HLSViewer], _ thread: Int, _ now: Duration) {
        for viewer in viewers { viewer.measure(now: now) }
        var sample = HLSSample(commons.tally, since: sampled)
        for viewer in viewers {
            switch viewer.activity(now: now) {
            case .joining: sample.joining += 1
            case .playing: sample.playing += 1
            case .standing: sample.standing += 1
            case nil: break
            }
        }
        sampled = commons.tally
        samples.append(sample)
        board.post(sample, number: samples.count, thread: thread)
    }

    private static let interval: Duration = .milliseconds(20)
    /// How often sockets are looked at before viewers' deadlines are.
    private static let mostTurns = 100
    static let sampleTime: Duration = .seconds(1)
}

// MARK: - What viewers ask

extension HLSSwarm {
    /// What the viewer of this number watches now.
    func target(of number: Int) -> HTTPAddress {
        let stream = plan.audience.map { $0.stream(using: &random) } ?? number % plan.targets.count
        let places = plan.targets[stream]
        return places[number / plan.targets.count % places.count]
    }

    /// How long a viewer that joins now stays; nil for to the end.
    func stay() -> Duration? {
        plan.stay.map { $0 * Double.random(in: 0.5..<1.5, using: &random) }
    }

    /// What makes a viewer differ from others: 0 to 1.
    func chance() -> Double { Double.random(in: 0...1, using: &random) }

    /// Where the viewer of this number looks from; nil for from anywhere.
    func source(of number: Int) -> SocketName? {
        plan.sources.isEmpty ? nil : SocketName(Endpoint(address: plan.sources[number % plan.sources.count], port: 0))
    }
}
