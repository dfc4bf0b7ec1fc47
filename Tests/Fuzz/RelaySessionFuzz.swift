// SPDX-License-Identifier: Apache-2.0

import Bytes
import Feed
import Identity
import Relay

/// Whatever two parents and a subscriber say, records are appended once and in order, a hole is always declared, and a
/// parent sends what its log holds. The first byte of each frame says from whom it comes and how much time passes.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    var rest = Array(UnsafeBufferPointer(start: bytes, count: count))[...]
    guard let stream = try? StreamID(app: "live", name: "cam") else { return 0 }
    let settings = RelaySettings()
    var child = Child(RelaySubscriberSession(stream: stream, via: [], settings: settings))
    var parent = Parent(stream, settings)
    var now = Duration.zero
    for path in RelayPath.allCases { child.obey(child.session.open(path, now: now)) }
    while let step = rest.popFirst() {
        now += .milliseconds(Int64(step >> 2) * 20)
        var decoder = RelayFrameDecoder()
        decoder.receive(rest)
        guard let frame = try? decoder.next(longest: .mebibytes(1)) else { return 0 }
        rest = rest.suffix(decoder.held)
        child.obey(child.session.tick(now: now))
        if step & 2 == 0 {
            child.obey(child.session.receive(frame.message, from: step & 1 == 0 ? .first : .second, now: now))
        } else {
            parent.receive(frame.message)
        }
        for path in RelayPath.allCases where !child.session.isOpen(path) {
            child.obey(child.session.open(path, now: now))
        }
    }
    return 0
}

private struct Child {
    var session: RelaySubscriberSession
    private var next: FeedPosition?

    init(_ session: RelaySubscriberSession) { self.session = session }

    mutating func obey(_ directives: [RelaySubscriberSession.Directive]) {
        for directive in directives {
            switch directive {
            case .append(let records, let first):
                precondition(first == next, "\(first) instead of \(String(describing: next))")
                next = FeedPosition(term: first.term, number: first.number + UInt64(records.count))
            case .begin(let start):
                precondition(next.map { $0 < start.position } ?? true, "back to \(start)")
                next = start.position
            case .commit, .leave, .redirect, .send: continue
            }
        }
        precondition(session.next == next, "wants \(String(describing: session.next))")
    }
}

private struct Parent {
    private var session: RelayPublisherSession?
    private var log = FeedLog(term: Term(number: 1, salt: 1))

    init(_ stream: StreamID, _ settings: RelaySettings) {
        for number in 0..<20 {
            log.append(
                .stored(UInt64(number)), at: FeedPosition(term: Term(number: 1, salt: 1), number: UInt64(number)))
        }
        session = try? RelayPublisherSession(
            RelayRequest(stream: stream, via: []), at: NodeTag(number: 1), settings: settings)
    }

    mutating func receive(_ message: RelayMessage) {
        if case .records(let batch) = message {
            for (offset, record) in batch.records.enumerated() {
                log.append(
                    record, at: FeedPosition(term: batch.first.term, number: batch.first.number + UInt64(offset)))
            }
        } else if case .accepted(let start) = message {
            log.begin(start)
        } else {
            _ = try? session?.receive(message)
        }
        for _ in 0..<1000 {
            guard let directive = session?.next(from: log, commit: nil) else { return }
            guard case .records(let places) = directive else { continue }
            precondition(!log.slice(places).isEmpty, "no records at \(places)")
        }
        preconditionFailure("no end of it")
    }
}
