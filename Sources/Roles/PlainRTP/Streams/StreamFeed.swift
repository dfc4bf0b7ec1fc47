// SPDX-License-Identifier: Apache-2.0

import Media
public import RTP
import Synchronization

/// A stream that is made of the packets of plain RTP sessions, whichever UDP threads those come to. The stream begins with
/// the first packet, and is let go when none came for a while; the next one begins it again.
final class StreamFeed: Sendable {
    private let door: any StreamDoor
    private let offer: StreamOffer
    private let state: Mutex<State>
    /// Set from any thread, also from within a call that the state's lock is held for.
    private let isCut = Atomic(false)

    private struct State {
        var packets: RTPReceiverSession
        var media: MediaFromRTP
        var intake: (any StreamIntake)?
        var start = Start.new
        var lastPacket: Duration
        var nextTry: Duration = .zero
        var directives: [RTPReceiverSession.Directive] = []
        var events: [MediaFromRTP.Event] = []

        init(_ offer: StreamOffer, lastPacket: Duration) {
            packets = RTPReceiverSession(offer.settings)
            media = MediaFromRTP(offer.tracks)
            self.lastPacket = lastPacket
        }
    }

    /// A stream with pictures begins with one: had it begun with sound, its first segments would have nothing else.
    private enum Start {
        /// Nothing was found yet. Exits: waiting, done.
        case new
        /// Sound is passed over until there is a picture, or until then. Exit: done.
        case waiting(until: Duration)
        case done
    }

    /// A feed that waits for its first packet.
    init(_ offer: StreamOffer, door: any StreamDoor, now: Duration) {
        self.door = door
        self.offer = offer
        state = Mutex(State(offer, lastPacket: now))
    }

    /// Whether it publishes nothing any more, whatever comes.
    var isOver: Bool { isCut.load(ordering: .relaxed) }

    /// Publishes, if it may.
    func open() -> StreamAdmission {
        state.withLock { state in
            let admission = door.open { [weak self] in self?.cut() }
            if case .open(let intake) = admission { state.intake = intake }
            return admission
        }
    }

    /// Takes a packet of one of the sources.
    func receive(_ bytes: UnsafeRawBufferPointer, isReport: Bool, now: Duration) {
        guard !isCut.load(ordering: .relaxed) else { return }
        state.withLock { state in
            state.lastPacket = now
            if state.intake == nil { reopen(&state, now: now) }
            guard state.intake != nil else { return }
            let packet = Array(bytes)[...]
            if isReport {
                state.packets.receive(rtcp: packet, now: now, into: &state.directives)
            } else {
                state.packets.receive(rtp: packet, now: now, into: &state.directives)
            }
            if let due = state.packets.nextDeadline, due <= now {
                state.packets.tick(now: now, into: &state.directives)
            }
            publish(&state, now: now)
        }
    }

    /// Lets the stream go where nobody sends, or where it was cut. Call once a second.
    func tick(now: Duration) {
        state.withLock { state in
            guard isCut.load(ordering: .relaxed) || now - state.lastPacket >= Self.silence else { return }
            close(&state)
        }
    }

    /// Publishes no more.
    func end() {
        cut()
        state.withLock { close(&$0) }
    }

    private func cut() { isCut.store(true, ordering: .relaxed) }

    private static let silence: Duration = .seconds(5)
    private static let pause: Duration = .seconds(1)
    /// Longer than most encoders take from one random access point to the next.
    private static let patience: Duration = .seconds(5)
}

extension StreamFeed {
    private func reopen(_ state: inout State, now: Duration) {
        guard now >= state.nextTry else { return }
        state.nextTry = now + Self.pause
        if case .open(let intake) = door.open({ [weak self] in self?.cut() }) { state.intake = intake }
    }

    private func publish(_ state: inout State, now: Duration) {
        for directive in state.directives {
            switch directive {
            case .began(let source): state.media.begin(source)
            case .goodbye, .send: break  // Sources of plain RTP hear nothing, and silence says goodbye as well.
            case .lost(let source, _): state.media.lose(source, now: now, into: &state.events)
            case .packet(let packet): state.media.receive(packet, now: now, into: &state.events)
            case .report(let source, let clock): state.media.receive(clock, of: source)
            }
        }
        state.directives.removeAll(keepingCapacity: true)
        guard !state.events.isEmpty else { return }
        guard hasStarted(&state, now: now) else {
            return state.events.removeAll { if case .parameters = $0 { false } else { true } }
        }
        let isTaken = state.intake?.take(state.events)
        state.events.removeAll(keepingCapacity: true)
        if isTaken == false { close(&state) }
    }

    private func hasStarted(_ state: inout State, now: Duration) -> Bool {
        let hasPicture = state.events.contains {
            if case .accessUnit(let unit) = $0 { unit.track == .video } else { false }
        }
        switch state.start {
        case .done: break
        case .new where hasPicture || !offer.lines.contains { $0.codec.isVideo }: state.start = .done
        case .new: state.start = .waiting(until: now + Self.patience)
        case .waiting(let limit): if hasPicture || now >= limit { state.start = .done }
        }
        if case .done = state.start { return true }
        return false
    }

    /// What was known of the packets goes with the stream: the next one is told anew what it is decoded with.
    private func close(_ state: inout State) {
        guard let intake = state.intake else { return }
        intake.leave()
        let (lastPacket, nextTry) = (state.lastPacket, state.nextTry)
        state = State(offer, lastPacket: lastPacket)
        state.nextTry = nextTry
    }
}

/// Where a stream of plain RTP is published: the origin of this node.
public protocol StreamDoor: Sendable {
    /// Lets the publisher in.
    /// - Parameter cut: ends the publishing for good; may be called from any thread, more than once.
    func open(_ cut: @escaping @Sendable () -> Void) -> StreamAdmission
}

/// Where the media of one publisher goes.
public protocol StreamIntake: Sendable {
    /// Takes what packets held. Returns false where the publisher has lost its right.
    func take(_ events: [MediaFromRTP.Event]) -> Bool
    /// The publisher is gone.
    func leave()
}

/// What became of a publisher's wish.
public enum StreamAdmission: Sendable {
    /// Its media goes here.
    case open(any StreamIntake)
    /// Somebody else publishes under this name.
    case nameIsTaken
    /// The node takes no publishers at the moment, for this reason.
    case refused(String)
}
