// SPDX-License-Identifier: Apache-2.0

import Media
public import RTP
import Synchronization

/// A stream that is made of the packets of plain RTP sessions, whichever UDP threads those come to. The stream begins with
/// the first packet, and is let go when none came for a while; the next one begins it again.
final class StreamFeed: Sendable {
    private let door: any StreamDoor
    private let offer: StreamOffer
    /// Which of its lines are pictures whose source can be asked for a random access point; nil where none can.
    private let askable: Int?
    private let state: Mutex<State>
    /// Set from any thread, also from within a call that the state's lock is held for.
    private let isCut = Atomic(false)
    /// Whether somebody wants a random access point; set as above.
    private let isWanted = Atomic(false)

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
        askable = offer.lines.firstIndex { $0.codec.isVideo && !$0.media.feedback.isEmpty }
        state = Mutex(State(offer, lastPacket: now))
    }

    /// Whether it publishes nothing any more, whatever comes.
    var isOver: Bool { isCut.load(ordering: .relaxed) }

    /// Publishes, if it may.
    func open() -> StreamAdmission {
        state.withLock { state in
            let admission = openDoor()
            if case .open(let intake) = admission { state.intake = intake }
            return admission
        }
    }

    /// Takes a packet of one of the sources, whose address is known to be that of the session.
    /// - Returns: RTCP for where the packet came from, at most twice a second; nil where there is nothing to say. Who does
    ///   not send is told nothing.
    func receive(_ bytes: UnsafeRawBufferPointer, _ head: RTPDatagramHead, now: Duration) -> [UInt8]? {
        guard !isCut.load(ordering: .relaxed) else { return nil }
        return state.withLock { state -> [UInt8]? in
            state.lastPacket = now
            if state.intake == nil { reopen(&state, now: now) }
            guard state.intake != nil else { return nil }
            let packet = Array(bytes)[...]
            if head.isReport {
                state.packets.receive(rtcp: packet, now: now, into: &state.directives)
            } else {
                state.packets.receive(rtp: packet, now: now, into: &state.directives)
            }
            if let due = state.packets.nextDeadline, due <= now {
                state.packets.tick(now: now, into: &state.directives)
            }
            publish(&state, now: now)
            return request(of: head.source, &state, now: now)
        }
    }

    /// A decoder can not go on, or begins: the source of the pictures is asked for a random access point when its next
    /// packet comes, where its description has a word for that. Any thread may call.
    func requestRandomAccess() { isWanted.store(true, ordering: .relaxed) }

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
        if case .open(let intake) = openDoor() { state.intake = intake }
    }

    private func openDoor() -> StreamAdmission {
        door.open(cut: { [weak self] in self?.cut() }, ask: { [weak self] in self?.requestRandomAccess() })
    }

    /// What asks for a random access point, where one is wanted, the packet was of the source of the pictures, and half a
    /// second is over since the last request: a request may be lost, so it is sent again until one came.
    private func request(of source: UInt32, _ state: inout State, now: Duration) -> [UInt8]? {
        guard isWanted.load(ordering: .relaxed), let askable, offer.lines[askable].ssrc == source else { return nil }
        var directives: [RTPReceiverSession.Directive] = []
        state.packets.requestRandomAccess(of: ReceiveSource(media: askable), now: now, into: &directives)
        guard case .send(let datagram)? = directives.first else { return nil }
        return datagram
    }

    /// A random access point is what somebody wanted until it came; a lost picture wants one.
    private func note(_ events: [MediaFromRTP.Event]) {
        for event in events {
            switch event {
            case .accessUnit(let unit):
                if unit.track == .video, unit.isRandomAccess { isWanted.store(false, ordering: .relaxed) }
            case .layer, .parameters: break
            case .randomAccessWanted: requestRandomAccess()
            }
        }
    }

    private func publish(_ state: inout State, now: Duration) {
        for directive in state.directives {
            switch directive {
            case .began(let source): state.media.begin(source)
            case .goodbye, .send: break  // Sources of plain RTP get no reports, and silence says goodbye as well.
            case .lost(let source, _): state.media.lose(source, now: now, into: &state.events)
            case .packet(let packet): state.media.receive(packet, now: now, into: &state.events)
            case .report(let source, let clock): state.media.receive(clock, of: source)
            }
        }
        state.directives.removeAll(keepingCapacity: true)
        guard !state.events.isEmpty else { return }
        note(state.events)
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
    /// - Parameters:
    ///   - cut: ends the publishing for good; may be called from any thread, more than once.
    ///   - ask: asks the source of the pictures for a random access point; the same.
    func open(cut: @escaping @Sendable () -> Void, ask: @escaping @Sendable () -> Void) -> StreamAdmission
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
