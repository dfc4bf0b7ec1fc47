// SPDX-License-Identifier: Apache-2.0

import Identity
import Media

/// What a publisher has sent before its first segment can begin: which tracks there are, and the units since the first
/// random access point.
struct SequencerIntake: Sendable {
    /// The tracks announced so far, by id.
    private(set) var tracks: [Track] = []
    /// The units held back, in order of arrival. At most `capacity`.
    private(set) var units: [AccessUnit] = []
    /// Civil time at the first random access point.
    private(set) var arrival: WallTime?
    private var began: Duration?
    /// The tracks that make waiting for others needless.
    private let expected: [TrackID]
    private let wait: Duration

    /// - Parameter former: the tracks there were before; nil at a stream's beginning, where one of each is awaited.
    init(_ settings: SequencerSettings, former: Parameters?) {
        // The other layers come when the publisher's line is known to carry them.
        let leading = former?.leadingTrack?.id
        expected = former?.tracks.filter { !$0.codec.isVideo || $0.id == leading }.map(\.id) ?? []
        wait = former == nil ? settings.startWait : settings.returnWait
    }

    /// The track whose random access points count.
    var leading: Track? { tracks.leading }

    /// When the wait is over; nil before the first random access point.
    var deadline: Duration? { began.map { $0 + wait } }

    /// Takes in a track, or its newest parameters. Units held back for the ones before are gone.
    mutating func announce(_ track: Track, counters: inout SequencerCounters) {
        guard !tracks.contains(track) else { return }
        let former = leading?.id
        tracks.removeAll { $0.id == track.id }
        let before = units.count
        units.removeAll { $0.track == track.id }
        counters.unitsWithoutParameters += UInt64(before - units.count)
        tracks.insert(track, at: tracks.firstIndex { $0.id > track.id } ?? tracks.endIndex)
        if leading?.id != former || leading?.id == track.id { began = nil }
    }

    /// Holds a unit back.
    mutating func hold(_ unit: AccessUnit, now: Duration, arrival: WallTime, counters: inout SequencerCounters) {
        guard let leading, tracks.contains(where: { $0.id == unit.track }) else {
            counters.unitsWithoutParameters += 1
            return
        }
        if unit.track == leading.id, began == nil {
            guard unit.isRandomAccess else {
                counters.unitsBeforeRandomAccess += 1
                return
            }
            began = now
            self.arrival = arrival
        }
        if units.count >= Self.capacity {
            units.removeFirst(Self.capacity / 2)
            counters.unitsBeforeRandomAccess += UInt64(Self.capacity / 2)
        }
        units.append(unit)
    }

    /// Whether the first segment can begin.
    func isReady(now: Duration) -> Bool {
        guard let deadline else { return false }
        if now >= deadline || units.count >= Self.capacity - 1 { return true }
        return isComplete && interval(now: now, final: false) != nil
    }

    /// The time from one unit of the leading track to the next: measured over four and more, else as declared.
    /// - Parameter final: no more will be known, so a single unit stands for as long as it was waited.
    func interval(now: Duration, final: Bool) -> Duration? {
        guard case .video(let video)? = leading?.parameters, let id = leading?.id else { return .zero }
        let times = units.lazy.filter { $0.track == id }.map { $0.decodeTime.duration }
        let count = times.count
        if count >= (final ? 2 : 5), let first = times.first, let last = times.reversed().first, last > first {
            return (last - first) / (count - 1)
        }
        if let rate = video.frameRate, (1...1000).contains(rate) { return .nanoseconds(Int64(1e9 / rate)) }
        return final ? max(.milliseconds(1), now - (began ?? now)) : nil
    }

    private var isComplete: Bool {
        if !expected.isEmpty { return expected.allSatisfy { id in tracks.contains { $0.id == id } } }
        return tracks.contains { $0.codec.isVideo } && tracks.contains { !$0.codec.isVideo }
    }

    private static let capacity = 1024
}
