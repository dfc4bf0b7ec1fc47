// SPDX-License-Identifier: Apache-2.0

/// When the program that transcodes one stream's sound is started, when it is killed, and when it is left alone.
struct TranscoderSession: Sendable {
    /// What is to be done.
    enum Directive: Hashable, Sendable {
        /// Start the program, and say what came of it by `started` or `ended`.
        case start
        /// Kill the program; `ended` follows.
        case kill
    }

    private enum State {
        /// Nothing was asked yet, or all is over. `begin` → starting.
        case idle
        /// The program is being started. `started` → running, `ended` → waiting.
        case starting
        /// The program runs. `ended` → waiting, or starting where it was to begin anew.
        case running(since: Duration)
        /// The program was killed, because it gave nothing or what is no sound. `ended` → waiting.
        case killed(hung: Bool)
        /// The program failed and is tried again later. `tick` → starting.
        case waiting(until: Duration)
    }

    private var state = State.idle
    /// How often in a row the program ended too soon.
    private var failures = 0
    /// How much it was fed since it gave something.
    private var unanswered: Duration = .zero

    /// Whether the program failed so often that it is not tried for a while: nobody is to be told of sound.
    var isResting: Bool {
        guard case .waiting = state else { return false }
        return failures >= Self.mostFailures
    }

    /// Whether the program was killed because it gave nothing, and is not gone yet.
    var hasHung: Bool {
        guard case .killed(let hung) = state else { return false }
        return hung
    }

    /// The sound is wanted.
    mutating func begin() -> Directive? {
        guard case .idle = state else { return nil }
        state = .starting
        return .start
    }

    /// The program runs.
    mutating func started(now: Duration) {
        state = .running(since: now)
        unanswered = .zero
    }

    /// The program was given so much sound, or would have been if it took any.
    mutating func fed(_ length: Duration) -> Directive? {
        guard case .running = state else { return nil }
        unanswered += length
        guard unanswered > Self.patience else { return nil }
        state = .killed(hung: true)
        return .kill
    }

    /// The program gave something.
    mutating func produced() { unanswered = .zero }

    /// The program wrote what is no sound.
    mutating func failed() -> Directive? {
        guard case .running = state else { return nil }
        state = .killed(hung: false)
        return .kill
    }

    /// The program is gone, or could not be started.
    mutating func ended(now: Duration) {
        if case .running(let since) = state, now - since >= Self.longEnough { failures = 0 }
        failures += 1
        let wait = failures < Self.mostFailures ? Self.firstWait * (1 << (failures - 1)) : Self.rest
        state = .waiting(until: now + wait)
    }

    /// When it is to be tried again; nil where nothing is planned.
    var nextDeadline: Duration? {
        guard case .waiting(let time) = state else { return nil }
        return time
    }

    /// Time went on.
    mutating func tick(now: Duration) -> Directive? {
        guard let deadline = nextDeadline, now >= deadline else { return nil }
        if failures >= Self.mostFailures { failures = 0 }
        state = .starting
        return .start
    }

    /// Far more than a program needs to start on a busy machine and to give its first packet.
    static let patience: Duration = .seconds(5)
    /// 250 ms, 500 ms, 1, 2 and 4 s: then there is something wrong that waiting does not cure.
    static let firstWait: Duration = .milliseconds(250)
    static let mostFailures = 6
    static let rest: Duration = .seconds(60)
    /// A program that ran so long and ended is as good as new.
    static let longEnough: Duration = .seconds(10)
}
