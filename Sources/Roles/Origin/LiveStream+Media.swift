// SPDX-License-Identifier: Apache-2.0

import Feed
import Identity
import Media
import NIOCore
import Replica
import Synchronization
import Transport

/// What a publisher sends becomes the feed.
extension LiveStream {
    /// Feeds what one message held.
    /// - Returns: false where the publication is over: another publisher came, or the stream ended.
    func publish(_ events: [IngestEvent], _ generation: UInt64) -> Bool {
        enum Course { case fenced, goesOn, isOver, overfull(any Publisher), parted(any Publisher) }
        let now = SystemClock.now()
        let isLate = pulse?.isLate(at: now) ?? false
        let (course, wanting) = state.withLock { state -> (Course, (any Publisher)?) in
            guard state.generation == generation, case .publishing(let identity, let publisher) = state.presence else {
                return (.isOver, nil)
            }
            if isAtBoundary(events, state) {
                depart(identity, &state)
                return (.parted(publisher), nil)
            }
            note(events, &state)
            submit(.media(events), &state)
            arm(&state)
            if state.gate.isOverfull(now: now) { return (.overfull(publisher), nil) }
            return (isLate ? .fenced : .goesOn, hasLostLayer(&state) ? publisher : nil)
        }
        wanting?.requestRandomAccess()
        switch course {
        case .fenced: calls.fence(self)
        case .goesOn: break
        case .isOver: return false
        case .overfull(let publisher): publisher.cut(.cutOff)
        case .parted(let publisher):
            publisher.cut(.moved)
            calls.change(self)
        }
        return true
    }

    /// A decoder of somebody who plays the stream can not go on: asks the publisher for a random access point.
    func requestRandomAccess() {
        let publisher = state.withLock { state -> (any Publisher)? in
            if case .publishing(_, let publisher) = state.presence { publisher } else { nil }
        }
        publisher?.requestRandomAccess()
    }

    /// Whether a layer was lost since the last call: without a random access point its viewers see nothing new.
    private func hasLostLayer(_ state: inout State) -> Bool {
        let lost = state.sequencer.counters.layersLost
        defer { state.layersLost = lost }
        return lost > state.layersLost
    }

    /// What of a message matters at once, whether it waits or not.
    private func note(_ events: [IngestEvent], _ state: inout State) {
        if state.isStalled {
            state.isStalled = false
            replica.publisherIs(absent: false)
        }
        for event in events {
            switch event {
            case .accessUnit(let unit):
                if unit.track != .audio, unit.isRandomAccess { state.lastRandomAccess = .now() }
            case .layer(let track): note(track, &state)
            case .metadata(let metadata): state.metadata = metadata
            case .parameters(let id, let sets): note(Track(id: id, parameters: sets), &state)
            }
        }
    }

    private func note(_ track: Track, _ state: inout State) {
        if track.codec.isVideo { state.hasVideo = true }
        state.announced.removeAll { $0.id == track.id }
        state.announced.append(track)
    }

    /// Does what was sent, or keeps it while the gate is closed.
    func submit(_ event: Gate.Event, _ state: inout State) {
        let arrival = Gate.Arrival(event: event, now: SystemClock.now(), wall: SystemClock.wall())
        closeIfLate(&state)
        guard state.gate.isOpen else { return state.gate.hold(arrival) }
        perform(arrival, &state)
    }

    func perform(_ arrival: Gate.Arrival, _ state: inout State) {
        let now = arrival.now
        switch arrival.event {
        case .end(let reason): state.sequencer.end(reason, now: now, into: &state.records)
        case .left: state.sequencer.publisherLeft(now: now, into: &state.records)
        case .media(let events):
            for event in events { sequence(event, now: now, wall: arrival.wall, &state) }
        case .returned:
            state.fold = LayerFold()
            state.sequencer.publisherReturned(now: now)
        }
        flush(&state, arrived: now)
    }

    private func sequence(_ event: IngestEvent, now: Duration, wall: WallTime, _ state: inout State) {
        switch event {
        case .accessUnit(let unit):
            let isFirst = unit.isRandomAccess || unit.track == .audio
            if isFirst, let track = state.untold.first(where: { $0.id == unit.track }) {
                announce(track, now: now, wall: wall, &state)
            }
            append(unit, now: now, wall: wall, &state)
        case .layer(let track): announce(track, now: now, wall: wall, &state)
        case .metadata: break
        case .parameters(let id, let sets):
            announce(Track(id: id, parameters: sets), now: now, wall: wall, &state)
        }
    }

    private func announce(_ track: Track, now: Duration, wall: WallTime, _ state: inout State) {
        state.untold.removeAll { $0.id == track.id }
        for track in state.hasLayers ? [track] : state.fold.announce(track) {
            state.sequencer.parameters(track, now: now, wall: wall, into: &state.records)
        }
    }

    private func append(_ unit: AccessUnit, now: Duration, wall: WallTime, _ state: inout State) {
        guard !state.hasLayers else {
            return state.sequencer.append(unit, now: now, wall: wall, into: &state.records)
        }
        guard let (tracks, unit) = state.fold.take(unit) else { return state.sequencer.refuseLayer() }
        for track in tracks { state.sequencer.parameters(track, now: now, wall: wall, into: &state.records) }
        state.sequencer.append(unit, now: now, wall: wall, into: &state.records)
    }

    /// Hop 6: append, commit, subscribers. Within one process the relay is this call. Without a standby what is
    /// appended is committed.
    /// - Parameter arrived: when the message came that the records are of; nil where they are of none.
    func flush(_ state: inout State, arrived: Duration? = nil) {
        guard !state.records.isEmpty else { return }
        for record in state.records {
            if case .partEnd(let mark) = record { _ = state.commits.append(mark.position, number: state.nextNumber) }
            state.nextNumber += 1
        }
        if state.commits.hasHolders { state.watch.appended(before: state.nextNumber, now: SystemClock.now()) }
        replica.append(state.records, committed: state.commits.committed, arrived: arrived)
        state.records.removeAll(keepingCapacity: true)
    }
}

// MARK: - Time

extension LiveStream {
    /// Keeps one timer running, at the next thing that time alone will cause.
    func arm(_ state: inout State) {
        guard let deadline = nextDeadline(state), state.timer.map({ deadline < $0 }) ?? true else { return }
        state.timer = deadline
        eventLoop.scheduleTask(deadline: deadline) { self.fire(deadline) }
    }

    private func nextDeadline(_ state: State) -> NIODeadline? {
        switch state.presence {
        case .ended, .yielded: nil
        case .absent(let until, _): state.hasTerm ? until : nil
        case .publishing where state.gate.isOpen:
            earlier(state.sequencer.nextDeadline.map(SystemClock.deadline), starvation(state))
        case .publishing: starvation(state)
        }
    }

    /// Notes whether a publisher that is there sends nothing: who waits then is answered as if it were away. Call about
    /// once a second.
    func watch() {
        state.withLock { state in
            guard case .publishing = state.presence, !state.isStalled else { return }
            guard state.sequencer.isStalled(now: SystemClock.now()) else { return }
            state.isStalled = true
            replica.publisherIs(absent: true)
        }
    }

    private func earlier(_ one: NIODeadline?, _ other: NIODeadline?) -> NIODeadline? {
        guard let one, let other else { return one ?? other }
        return min(one, other)
    }

    /// When a video stream has gone too long without a place to join it.
    private func starvation(_ state: State) -> NIODeadline? {
        state.hasVideo ? state.lastRandomAccess + TimeAmount(settings.randomAccessTimeout) : nil
    }

    private func fire(_ deadline: NIODeadline) {
        enum Due { case graceOver, nothing, starved(any Publisher) }
        let due = state.withLock { state -> Due in
            guard state.timer == deadline else { return .nothing }
            state.timer = nil
            let now = NIODeadline.now()
            switch state.presence {
            case .absent(let until, _) where until <= now:
                finish(.publisherGone, &state)
                return .graceOver
            case .publishing(_, let publisher):
                if let limit = starvation(state), limit <= now { return .starved(publisher) }
                closeIfLate(&state)
                guard state.gate.isOpen else { break }
                state.sequencer.tick(now: SystemClock.now(), wall: SystemClock.wall(), into: &state.records)
                flush(&state)
            case .absent, .ended, .yielded: break
            }
            arm(&state)
            return .nothing
        }
        switch due {
        case .graceOver: tellEnd()
        case .nothing: break
        case .starved(let publisher): publisher.cut(.noRandomAccessPoint)
        }
    }
}

extension LiveStream.State {
    /// Whether all who may come to write the stream write layers.
    fileprivate var hasLayers: Bool { packaging >= SegmentStart.firstPackagingOfLayers }
}
