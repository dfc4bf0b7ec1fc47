// SPDX-License-Identifier: Apache-2.0

public import Bytes
public import Identity
import Media

/// The records of a window, in order, without a hole: what viewers and other nodes are served from, each at its own pace.
///
/// A record has two addresses. Its position, term and number, is the same on every node. Its place counts what this log
/// ever took, over all terms, and never means another record.
public struct FeedLog: Sendable {
    /// The place of the oldest record held.
    public private(set) var firstPlace: UInt64 = 0
    /// Where a viewer who comes now begins; nil until there is a random access point.
    public private(set) var entry: Entry?
    /// The parameters in force at the end, and where they stand.
    public private(set) var parameters: PlacedParameters? {
        didSet { leadingTrack = parameters?.parameters.leadingTrack?.id }
    }
    /// The decode time of the newest unit of the leading track, for lag.
    public private(set) var newestTime: Duration = .zero

    private var leadingTrack: TrackID?
    private var records: [FeedRecord] = []
    private var runs: [Run]
    private var starts: [Start] = []

    /// A place at which a decoder can start.
    public struct Entry: Sendable {
        /// The place of the random access point.
        public let place: UInt64
        /// The parameters to send before it.
        public let parameters: Parameters
    }

    /// Parameters and the number of their record.
    public struct PlacedParameters: Hashable, Sendable {
        /// The parameters.
        public let parameters: Parameters
        /// Where their record stands.
        public let position: FeedPosition

        /// Parameters of their parts.
        public init(parameters: Parameters, position: FeedPosition) {
            self.parameters = parameters
            self.position = position
        }
    }

    /// What one term appended: the first of its records here, and how many are valid.
    private struct Run {
        let term: Term
        let place: UInt64
        let number: UInt64
        var count: UInt64 = 0
        /// Where the term goes on from, where that was said and its first record is the run's.
        var continues: FeedPosition?

        var next: FeedPosition { FeedPosition(term: term, number: number &+ count) }
    }

    /// A segment's start.
    private struct Start {
        let place: UInt64
        let msn: MediaSequenceNumber
        let parameters: PlacedParameters?
    }

    /// An empty log of a term, whose first record will bear `number`.
    public init(term: Term, number: UInt64 = 0) { runs = [Run(term: term, place: 0, number: number)] }

    /// One past the newest record.
    public var endPlace: UInt64 { firstPlace + UInt64(records.count) }

    /// How many records are held.
    public var count: Int { records.count }

    /// The newest term.
    public var term: Term { run.term }

    /// The position that the next record of the newest term bears.
    public var next: FeedPosition { run.next }

    /// The record at a place; nil where it is gone, not there yet, or void.
    public subscript(place place: UInt64) -> FeedRecord? {
        guard place >= firstPlace, place < endPlace, position(at: place) != nil else { return nil }
        return records[Int(place - firstPlace)]
    }

    private var run: Run { runs[runs.count - 1] }
}

// MARK: - Writing

extension FeedLog {
    /// Appends the next record. One that is here already, or of a lower term, changes nothing. A later one than the next
    /// empties the log: what is served from it has no hole.
    /// - Returns: whether it was taken.
    @discardableResult
    public mutating func append(_ record: FeedRecord, at position: FeedPosition) -> Bool {
        guard position >= next else { return false }
        if position != next {
            if position.term == term { restart(at: position) } else { open(position) }
        }
        switch record {
        case .parameters(let parameters):
            self.parameters = PlacedParameters(parameters: parameters, position: position)
        case .accessUnit(let unit): note(unit)
        case .segmentStart(let start): starts.append(Start(place: endPlace, msn: start.msn, parameters: parameters))
        case .end, .gap, .partEnd, .stored: break
        }
        records.append(record)
        runs[runs.count - 1].count += 1
        if records.count > Self.capacity { forget(before: firstPlace + UInt64(Self.capacity / 8)) }
        return true
    }

    /// Goes on at `start`, which another node said: what a newer term never heard of is void, and where records between
    /// are missing, those before are let go.
    public mutating func begin(_ start: FeedStart) {
        guard start.position >= next else { return }
        if let kept = start.continues, let index = runs.lastIndex(where: { $0.term == kept.term }) {
            let valid = kept.number > runs[index].number ? kept.number - runs[index].number : 0
            runs[index].count = min(runs[index].count, valid)
            for later in runs.indices where later > index { runs[later].count = 0 }
            if let begun = entry, position(at: begun.place) == nil { entry = nil }
        }
        if start.continues.map(isHeldTo) ?? false {
            open(start.position)
        } else if start.position != next {
            restart(at: start.position)
        }
        if start.position.number == 0 { runs[runs.count - 1].continues = start.continues }
        parameters = start.parameters ?? parameters
    }

    /// Lets go what is older than segment `msn`.
    public mutating func forget(segmentsBefore msn: MediaSequenceNumber) {
        guard let first = starts.first, first.msn < msn else { return }
        guard let kept = starts.first(where: { $0.msn >= msn }) else { return }
        forget(before: kept.place)
    }

    /// Puts the media of the part that ends now where `payloads` say: one for each unit since the newest mark, in order.
    public mutating func movePayloads(to payloads: [ByteSlice]) {
        guard !payloads.isEmpty else { return }
        var rest = payloads[...]
        for index in records.indices.reversed() {
            switch records[index] {
            case .accessUnit(var unit):
                guard let payload = rest.popLast(), payload.count == unit.payload.count else { return }
                unit.payload = payload
                records[index] = .accessUnit(unit)
            case .gap, .partEnd, .segmentStart: return
            case .end, .parameters, .stored: continue
            }
        }
    }

    private mutating func restart(at position: FeedPosition) {
        forget(before: endPlace)
        runs = [Run(term: position.term, place: endPlace, number: position.number)]
    }

    private mutating func open(_ position: FeedPosition) {
        if run.place == endPlace { runs.removeLast() }
        runs.append(Run(term: position.term, place: endPlace, number: position.number))
    }

    private func isHeldTo(_ position: FeedPosition) -> Bool {
        runs.last { $0.term == position.term }.map { $0.next == position } ?? false
    }

    private mutating func forget(before place: UInt64) {
        guard place > firstPlace else { return }
        records.removeFirst(Int(place - firstPlace))
        firstPlace = place
        starts.removeAll { $0.place < place }
        while runs.count > 1, runs[1].place <= place { runs.removeFirst() }
        if let begun = entry, begun.place < place { entry = nil }
    }

    private mutating func note(_ unit: AccessUnit) {
        guard unit.track == leadingTrack else { return }
        newestTime = unit.decodeTime.duration
        guard unit.isRandomAccess, let parameters else { return }
        entry = Entry(place: endPlace, parameters: parameters.parameters)
    }

    /// Records held of segments that do not end: the windows of all sane settings hold fewer.
    private static let capacity = 131_072
}

// MARK: - Reading

extension FeedLog {
    /// Where a node reads on that holds everything before a position.
    public enum Resumption: Hashable, Sendable {
        /// At a place, which may be the end.
        case at(UInt64)
        /// Nowhere yet: it holds more than this log.
        case ahead
        /// Nowhere any more: what it wants next was let go.
        case gone
    }

    /// Where a node reads on that wants the record at `position` next.
    public func resumption(from position: FeedPosition) -> Resumption {
        guard position.term <= term else { return .ahead }
        guard let index = runs.lastIndex(where: { $0.term == position.term }) else {
            return resumption(behind: position.term)
        }
        let run = runs[index]
        guard position.number >= run.number else { return .gone }
        if position.number - run.number < run.count {
            let place = run.place + (position.number - run.number)
            return place >= firstPlace ? .at(place) : .gone
        }
        if index + 1 < runs.count { return .at(beginning(after: run.place)) }
        return position == run.next ? .at(endPlace) : .ahead
    }

    /// Where a node reads on whose newest term is not here. Where the next higher one begins here behind a lower one, the
    /// node's came to nothing.
    private func resumption(behind term: Term) -> Resumption {
        guard
            let index = runs.indices.first(where: {
                runs[$0].term > term && (runs[$0].count > 0 || $0 + 1 == runs.count)
            }),
            runs[..<index].contains(where: { $0.count > 0 }), runs[index].number == 0
        else { return .gone }
        return .at(runs[index].place)
    }

    /// What a node gets that begins with nothing: the oldest segment, or all there is before the first. Where no segment
    /// is held yet, because this node has only just begun itself, what comes next.
    public var oldest: FeedStart {
        if let first = position(at: firstPlace), first.number == 0 { return start(at: firstPlace) }
        guard let segment = oldestSegment, let position = position(at: segment.place) else {
            return FeedStart(position: next, parameters: parameters, continues: start(at: endPlace).continues)
        }
        return FeedStart(position: position, parameters: segment.parameters)
    }

    /// The start of the oldest segment held: where it is, its number, and the parameters in force there.
    var oldestSegment: (place: UInt64, msn: MediaSequenceNumber, parameters: PlacedParameters?)? {
        starts.first { position(at: $0.place) != nil }.map { ($0.place, $0.msn, $0.parameters) }
    }

    /// How a node goes on at `place`, the first record of its term here or any other.
    public func start(at place: UInt64) -> FeedStart {
        guard let index = runs.lastIndex(where: { $0.place <= place }), let position = position(at: place) else {
            return FeedStart(position: next)
        }
        return FeedStart(position: position, continues: runs[index].place == place ? runs[index].continues : nil)
    }

    /// The position of the record at a place; of the next one at the end; nil where the record is void.
    public func position(at place: UInt64) -> FeedPosition? {
        if place == endPlace { return next }
        guard let run = runs.last(where: { $0.place <= place }), place - run.place < run.count else { return nil }
        return FeedPosition(term: run.term, number: run.number + (place - run.place))
    }

    /// A batch from `place` on, within one term: up to and with the end of a part, or what there is; no more than fits.
    public func batch(from place: UInt64, records limit: Int, bytes: Int) -> Range<UInt64> {
        guard place >= firstPlace, let run = runs.last(where: { $0.place <= place }) else { return place..<place }
        let end = min(run.place + run.count, place + UInt64(limit))
        var (next, room) = (place, bytes)
        while next < end {
            let record = records[Int(next - firstPlace)]
            if case .accessUnit(let unit) = record {
                if next > place, unit.payload.count > room { break }
                room -= unit.payload.count
            }
            next += 1
            if case .partEnd = record { break }
        }
        return place..<max(place, next)
    }

    /// The place at or after `place` that is not void.
    public func valid(_ place: UInt64) -> UInt64 {
        guard place < endPlace, position(at: place) == nil else { return place }
        return beginning(after: place)
    }

    /// Where the first run begins behind `place` that has a valid record, or is the newest.
    private func beginning(after place: UInt64) -> UInt64 {
        runs.first { $0.place > place && $0.count > 0 }?.place ?? max(run.place, place)
    }

    /// The records of `places`, which must be held.
    public func slice(_ places: Range<UInt64>) -> ArraySlice<FeedRecord> {
        records[Int(places.lowerBound - firstPlace)..<Int(places.upperBound - firstPlace)]
    }
}
