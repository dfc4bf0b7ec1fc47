// SPDX-License-Identifier: Apache-2.0

import Identity
import Media

/// The layers of a publisher that sends the same pictures in several sizes: each is a video track and a rendition.
///
/// The smallest leads and cuts the marks. The others follow: a unit belongs to the part that is open, and its track stands
/// where the leading one does at every mark. A layer is *in* from a random access point on, until a part of half the part
/// target and more has no unit of it; it is then *out*, and its units are left out up to its next random access point. One
/// that sends nothing for `patience` is *absent*: the parameters name it no more. It comes back, with what it was decoded
/// with before, where the next segment begins. Neither its going nor its coming is a discontinuity for the others.
struct LayerTable: Sendable {
    /// Tracks that are to leave the parameters with the next segment.
    private(set) var departing: [TrackID] = []
    /// Tracks that have left them.
    private var absent: [Track] = []
    /// When the newest unit of each track came.
    private var arrivals: [(track: TrackID, arrival: Duration)] = []

    /// Notes a unit of one of `tracks`.
    mutating func note(_ unit: AccessUnit, of tracks: [SequencerTrack], now: Duration) {
        if let index = arrivals.firstIndex(where: { $0.track == unit.track }) {
            arrivals[index].arrival = now
        } else {
            arrivals.append((unit.track, now))
        }
        guard unit.isRandomAccess, isPicture(unit, of: tracks) else { return }
        departing = arrivals.compactMap { track, arrival in
            let isSilent = now - arrival > Self.patience && track != unit.track
            return isSilent && tracks.contains { $0.track.id == track && $0.isVideo } ? track : nil
        }
    }

    /// The track of this number, where it has left.
    func absent(_ track: TrackID) -> Track? { absent.first { $0.id == track } }

    /// Whether two sets of tracks differ by layers alone: a layer of both goes on, and nothing that is in both, or comes
    /// back, has other parameters.
    func areAll(from former: [Track], to next: [Track]) -> Bool {
        guard former.filter({ !$0.codec.isVideo }) == next.filter({ !$0.codec.isVideo }),
            next.contains(where: { $0.codec.isVideo && former.contains($0) })
        else { return false }
        return next.allSatisfy { track in
            (former + absent).allSatisfy { $0.id != track.id || $0 == track }
        }
    }

    /// Notes that these tracks take the place of those.
    mutating func change(from former: [Track], to next: [Track]) {
        let gone = former.filter { track in departing.contains(track.id) && !next.contains { $0.id == track.id } }
        absent = (absent + gone).filter { track in !next.contains { $0.id == track.id } }
        departing = []
    }

    private func isPicture(_ unit: AccessUnit, of tracks: [SequencerTrack]) -> Bool {
        tracks.contains { $0.track.id == unit.track && $0.isVideo } || absent(unit.track) != nil
    }

    /// Longer than any pause between two pictures of a shared screen that browsers make; shorter than what a viewer takes to
    /// come back to the layer.
    private static let patience: Duration = .seconds(3)
}

extension Sequencer {
    /// Notes who sends; a layer that is back comes in with the next segment.
    mutating func followLayers(_ unit: AccessUnit, now: Duration) {
        layers.note(unit, of: tracks, now: now)
        guard unit.isRandomAccess, let track = layers.absent(unit.track),
            !changes.contains(where: { $0.id == track.id })
        else { return }
        changes.append(track)
    }

    /// The decode time of a picture of a layer that does not lead; nil where it can not be decoded. The first of a part
    /// stands where the part begins.
    mutating func layerTime(of unit: AccessUnit, _ placement: Placement, index: Int) -> Int64? {
        guard tracks[index].isIn || unit.isRandomAccess else { return nil }
        tracks[index].isIn = true
        guard !tracks[index].isPinned else { return tracks[index].stated }
        let earliest = tracks[index].written.map { $0 + 1 } ?? 0
        let time = min(max(placement.time, earliest), bound - 1)
        // The leading one has stopped, and nothing ends the part.
        tracks[index].isIn = time >= earliest
        return tracks[index].isIn ? time : nil
    }

    /// The part that ends had no unit of a layer: what comes of it can not be decoded before its next random access point.
    /// The last part of a segment may be so short that no unit belongs into it.
    mutating func loseLayers(in duration: Duration) {
        guard duration * 2 >= partTarget ?? .zero else { return }
        for index in tracks.indices where index != leading && tracks[index].isPinned && tracks[index].isIn {
            tracks[index].isIn = false
            counters.layersLost += 1
        }
    }

    /// Counts a unit of a layer that the feed has no place for.
    public mutating func refuseLayer() { counters.unitsOfRefusedLayers += 1 }
}
