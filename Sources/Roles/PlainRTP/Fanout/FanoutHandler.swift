// SPDX-License-Identifier: Apache-2.0

import Datagrams
import Fanout
import RTP
import Transport

/// Plain RTP on one UDP thread: each packet of a session goes to all its subscribers, byte for byte as it came, whether
/// from its source or from the home of which this node has a branch.
///
/// Packets of one picture are held until its last one, at most for ``PlainRTPSettings/hold``, and go to each subscriber
/// as one message: the kernel's cost is one of messages. The loop counts no references and allocates nothing a packet.
final class FanoutHandler: DatagramHandler {
    typealias Answered = @Sendable (ProbeToken, DatagramAddress, Duration) -> Void
    /// Hands packets, each as long as the last word says but the last of them, to the branches of a session.
    typealias Onward = @Sendable (SessionNumber, UnsafeRawBufferPointer, Int) -> Void

    private let sender: DatagramSender
    private let hold: Duration
    private let metrics: PlainRTPMetrics
    private let answered: Answered
    private let onward: Onward?
    private var lanes: [SessionNumber: UnsafeMutablePointer<FanoutLane>] = [:]
    /// Those that are found by the source of their packets: all but branches.
    private var sources: [UInt32: UnsafeMutablePointer<FanoutLane>] = [:]
    /// Lanes with packets that wait for nothing but the end of the turn.
    private var prompt = LaneQueue()
    /// Lanes with packets that wait for others, by the time at which they wait no longer.
    private var held = LaneQueue()

    init(
        _ sender: DatagramSender, hold: Duration, metrics: PlainRTPMetrics, onward: Onward?,
        answered: @escaping Answered
    ) {
        self.sender = sender
        self.hold = hold
        self.metrics = metrics
        self.onward = onward
        self.answered = answered
    }

    deinit { for lane in lanes.values { free(lane) } }

    func receive(_ bytes: UnsafeMutableRawBufferPointer, from peer: DatagramAddress, now: Duration) {
        let bytes = UnsafeRawBufferPointer(bytes)
        guard let head = RTPDatagramHead(bytes) else { return metrics.refused(.malformed) }
        guard let lane = sources[head.source] else { return receiveStrange(bytes, head, from: peer, now: now) }
        guard lane.pointee.source == peer || admits(peer, lane) else { return metrics.refused(.wrongSource) }
        guard bytes.count <= FanoutLane.longest else { return metrics.refused(.tooLong) }
        if let report = lane.pointee.feed?.receive(bytes, head, now: now) { tell(peer, report) }
        take(bytes, isMarked: head.isMarked, lane, now: now)
    }

    /// Takes packets of a branch, which lie behind one another.
    func receive(_ packets: [UInt8], lengths: [Int], of branch: SessionNumber, now: Duration) {
        guard let lane = lanes[branch] else { return }
        packets.withUnsafeBytes { all in
            var rest = all[...]
            for length in lengths {
                take(UnsafeRawBufferPointer(rebasing: rest.prefix(length)), isMarked: false, lane, now: now)
                rest = rest.dropFirst(length)
            }
        }
    }

    private func take(
        _ bytes: UnsafeRawBufferPointer, isMarked: Bool, _ lane: UnsafeMutablePointer<FanoutLane>, now: Duration
    ) {
        lane.pointee.received.packets += 1
        lane.pointee.received.bytes += bytes.count
        if !lane.pointee.takes(bytes.count) { makeRoom(lane, for: bytes.count, now: now) }
        let isFirst = lane.pointee.count == 0
        lane.pointee.append(bytes, now: now)
        if isMarked && lane.pointee.isHeld || lane.pointee.isFull {
            send(lane, now: now)
        } else if isFirst {
            if lane.pointee.isHeld { held.append(lane, at: now + hold) } else { prompt.append(lane, at: now) }
        }
    }

    var nextDeadline: Duration? { prompt.isEmpty ? held.firstTime : .zero }

    func tick(now: Duration) {
        while let lane = prompt.removeFirst(until: now) { send(lane, now: now) }
        while let lane = held.removeFirst(until: now) {
            // A lane may stand here for packets that are gone; those that came since have a place of their own.
            if lane.pointee.oldest + hold <= now { send(lane, now: now) }
        }
    }
}

// MARK: - What the table of sessions says

extension FanoutHandler {
    /// Begins a session, or, without a source, a branch.
    func begin(_ number: SessionNumber, ssrc: UInt32?, share: SessionShare, isHeld: Bool) {
        let lane = UnsafeMutablePointer<FanoutLane>.allocate(capacity: 1)
        lane.initialize(to: FanoutLane(number: number, share: share, isHeld: isHeld && hold > .zero))
        lanes[number] = lane
        if let ssrc { sources[ssrc] = lane }
    }

    func end(_ number: SessionNumber, ssrc: UInt32?, now: Duration) {
        guard let lane = lanes.removeValue(forKey: number) else { return }
        if let ssrc { sources[ssrc] = nil }
        send(lane, now: now)
        sender.flush()
        prompt.remove(lane)
        held.remove(lane)
        free(lane)
    }

    func subscribe(_ subscriber: DatagramAddress, to number: SessionNumber) {
        lanes[number]?.pointee.subscribers.append(subscriber)
    }

    func unsubscribe(_ subscriber: DatagramAddress, from number: SessionNumber) {
        guard let lane = lanes[number] else { return }
        if let index = lane.pointee.subscribers.firstIndex(of: subscriber) {
            lane.pointee.subscribers.swapAt(index, lane.pointee.subscribers.count - 1)
            lane.pointee.subscribers.removeLast()
        }
    }

    func feed(_ feed: StreamFeed?, by number: SessionNumber) { lanes[number]?.pointee.feed = feed }

    func probe(_ peer: DatagramAddress, _ probe: SubscriberProbe) {
        sender.append(to: peer, capacity: SubscriberProbe.length) { place in
            probe.write(to: place)
            return SubscriberProbe.length
        }
    }
}

// MARK: - Packets

extension FanoutHandler {
    /// Of no session: the answer to a probe, a receiver's report, or nothing that was asked for.
    private func receiveStrange(
        _ bytes: UnsafeRawBufferPointer, _ head: RTPDatagramHead, from peer: DatagramAddress, now: Duration
    ) {
        if let probe = SubscriberProbe(bytes) {
            answered(ProbeToken(high: probe.high, low: probe.low), peer, now)
        } else {
            metrics.refused(head.isReport ? .strangeReport : .unknownSource)
        }
    }

    /// Whether `peer` is the source, asked where the lane does not know it, or knows it as another.
    private func admits(_ peer: DatagramAddress, _ lane: UnsafeMutablePointer<FanoutLane>) -> Bool {
        guard lane.pointee.source == nil else { return false }
        lane.pointee.source = lane.pointee.share.source(offering: peer)
        return lane.pointee.source == peer
    }

    /// Tells a source something.
    private func tell(_ source: DatagramAddress, _ report: [UInt8]) {
        sender.append(to: source, capacity: report.count) { place in
            place.copyBytes(from: report)
            return report.count
        }
    }

    private func makeRoom(_ lane: UnsafeMutablePointer<FanoutLane>, for length: Int, now: Duration) {
        send(lane, now: now)
        guard !lane.pointee.takes(length) else { return }
        sender.flush()
        lane.pointee.reuse()
    }

    /// Sends what waits to every subscriber.
    private func send(_ lane: UnsafeMutablePointer<FanoutLane>, now: Duration) {
        let count = lane.pointee.count
        guard count > 0 else { return }
        let (burst, segment) = (lane.pointee.burst, lane.pointee.segment)
        var taken = 0
        lane.pointee.subscribers.withUnsafeBufferPointer { subscribers in
            for subscriber in subscribers where sender.append(to: subscriber, lending: burst, segment: segment) {
                taken += 1
            }
        }
        if lane.pointee.share.hasBranches { onward?(lane.pointee.number, burst, segment) }
        let received = lane.pointee.received
        lane.pointee.share.received(packets: received.packets, bytes: received.bytes, now: now)
        lane.pointee.share.sent(packets: count * taken, bytes: burst.count * taken)
        metrics.forwarded(
            received: received, sent: (count * taken, burst.count * taken), delay: now - lane.pointee.oldest)
        lane.pointee.received = (0, 0)
        lane.pointee.sent()
    }

    private func free(_ lane: UnsafeMutablePointer<FanoutLane>) {
        lane.pointee.release()
        lane.deinitialize(count: 1)
        lane.deallocate()
    }
}

/// Lanes in the order of their times, which they are appended in.
private struct LaneQueue {
    private var entries: [(lane: UnsafeMutablePointer<FanoutLane>, time: Duration)] = []
    private var next = 0

    var isEmpty: Bool { next == entries.count }

    var firstTime: Duration? { isEmpty ? nil : entries[next].time }

    mutating func append(_ lane: UnsafeMutablePointer<FanoutLane>, at time: Duration) {
        if isEmpty {
            entries.removeAll(keepingCapacity: true)
            next = 0
        }
        entries.append((lane, time))
    }

    mutating func removeFirst(until now: Duration) -> UnsafeMutablePointer<FanoutLane>? {
        guard let time = firstTime, time <= now else { return nil }
        defer { next += 1 }
        return entries[next].lane
    }

    mutating func remove(_ lane: UnsafeMutablePointer<FanoutLane>) {
        entries.removeSubrange(..<next)
        next = 0
        entries.removeAll { $0.lane == lane }
    }
}
