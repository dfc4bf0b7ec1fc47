// SPDX-License-Identifier: Apache-2.0

import Feed
import HLS
import Identity
import WebServer

/// What a ``RewindDesk`` remembers: what the store lists of renditions, old media, and what is being asked.
struct RewindState {
    /// Old media.
    var media: ArchiveTable
    private(set) var histories: [RenditionID: KnownHistory] = [:]
    private var underWay: Set<Errand> = []
    private var listeners: [Errand: [ErrandListener]] = [:]

    init(media: ArchiveTable) { self.media = media }

    /// How many requests to the archive are under way.
    var errands: Int { underWay.count }

    /// Whether the archive is being asked.
    func isUnderWay(_ errand: Errand) -> Bool { underWay.contains(errand) }

    /// Has a listener told of an errand. Returns whether it is to begin.
    mutating func ask(_ errand: Errand, telling listener: ErrandListener? = nil) -> Bool {
        if let listener, listeners[errand]?.contains(where: { $0.id == listener.id }) != true {
            listeners[errand, default: []].append(listener)
        }
        return underWay.insert(errand).inserted
    }

    /// Takes those who wait for an errand.
    /// - Parameter isOver: whether it is done; else they are not kept waiting for it.
    mutating func takeListeners(of errand: Errand, isOver: Bool) -> [ErrandListener] {
        if isOver { underWay.remove(errand) }
        return listeners.removeValue(forKey: errand) ?? []
    }

    /// Remembers what is known of a rendition; where there is no room, what was not asked for longest is forgotten.
    mutating func keep(_ known: KnownHistory, of id: RenditionID) {
        if histories[id] == nil, histories.count >= Self.capacity,
            let oldest = histories.min(by: { $0.value.asked < $1.value.asked })?.key
        {
            histories[oldest] = nil
        }
        histories[id] = known
    }

    /// Notes that somebody asked of a rendition that is known.
    mutating func note(_ id: RenditionID, now: Duration) { histories[id]?.asked = now }

    /// Forgets all of some streams.
    mutating func forget(_ streams: Set<StreamID>) {
        histories = histories.filter { !streams.contains($0.key.stream) }
        media.remove { path in streams.contains { path.hasPrefix("\($0)/") } }
    }

    /// Forgets what nobody has asked for.
    mutating func expire(now: Duration) { histories = histories.filter { now - $0.value.asked < Self.memory } }

    /// How long it is remembered what the store lists: longer than a viewer pauses without going on elsewhere.
    private static let memory: Duration = .seconds(600)
    /// How many renditions are known at a time.
    private static let capacity = 512
}

/// Who is told that an errand is done, once however often it asked; of media, with the answer for all.
struct ErrandListener: Sendable {
    let id: ObjectIdentifier
    let tell: @Sendable (Errand, MediaAnswer?) -> Void
}

/// What is known of what a rendition's playlists may reach back to.
struct KnownHistory {
    var history = StreamHistory()
    /// When a viewer last asked.
    var asked: Duration
    /// When the store last answered, or did not; nil before it was asked.
    var looked: Duration?
    /// What came of that.
    var outcome: RewindMetrics.Lookup?
    /// Whether the store is being asked, and has taken so long that nobody waits any more.
    var isOverdue = false

    init(asked: Duration) { self.asked = asked }

    /// Whether nothing can be said before the store was asked: it never was, or what is before `first` is not known.
    func mustLook(before first: MediaSequenceNumber, now: Duration) -> Bool {
        outcome == nil || outcome == .found && !history.contains(first &- 1) && isRested(now)
    }

    /// Whether it is time to ask the store again, though all can be said: some segments before the newest that it is known to
    /// list leaves the window.
    func mayLook(before first: MediaSequenceNumber, now: Duration) -> Bool {
        isRested(now) && history.confirmed ?? 0 < first &+ Self.ahead
    }

    /// Whether the store was left alone for a while.
    func isRested(_ now: Duration) -> Bool {
        guard let looked else { return true }
        return now - looked >= (outcome == .failed ? Self.pauseAfterFailure : Self.pauseAfterAnswer)
    }

    /// A playlist is given whose window begins with `first`: where less is known than others may know, nothing before what is
    /// given now is listed ever after. Returns whether others say the same.
    mutating func settle(_ first: MediaSequenceNumber) -> Bool {
        guard history.contains(first &- 1) else {
            history.begin(at: first)
            return false
        }
        guard let confirmed = history.confirmed else {
            history.begin(at: history.numbers?.lowerBound ?? first)
            return false
        }
        return confirmed >= first &- 1 && !history.isCut
    }

    private static let ahead: MediaSequenceNumber = 4
    private static let pauseAfterAnswer: Duration = .seconds(2)
    private static let pauseAfterFailure: Duration = .seconds(5)
}
