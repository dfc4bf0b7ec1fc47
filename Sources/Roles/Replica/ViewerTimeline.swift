// SPDX-License-Identifier: Apache-2.0

import Identity
import Media

/// A viewer's clock, which only goes forward: a newer term goes on at the last mark that its gateway held, and a viewer may
/// have been sent units behind that.
struct ViewerTimeline {
    private var term: Term?
    /// By how much units of this term are shown later than they say.
    private var shift: Duration = .zero
    private var newest: Duration?
    private var isEntering = false

    /// What follows is of `term`.
    mutating func enter(_ term: Term) {
        guard term != self.term else { return }
        isEntering = self.term != nil
        self.term = term
        shift = .zero
    }

    /// The unit as the viewer is to see it.
    mutating func placed(_ unit: AccessUnit) -> AccessUnit {
        let time = unit.decodeTime.duration
        if isEntering, let newest, time <= newest { shift = newest - time + .milliseconds(1) }
        isEntering = false
        newest = max(newest ?? time, time + shift)
        guard shift > .zero else { return unit }
        var unit = unit
        let timescale = unit.decodeTime.timescale
        unit.decodeTime = MediaTime(ticks: unit.decodeTime.ticks &+ shift.ticks(timescale), timescale: timescale)
        return unit
    }
}
