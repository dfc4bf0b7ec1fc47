// SPDX-License-Identifier: Apache-2.0

import Feed
import Identity
import Media

/// Parameters and the term that bore them, which together name the init sections.
struct ParametersBirth: Sendable {
    let term: Term
    let parameters: Parameters
    /// The track whose units cut segments and parts.
    let leading: Track?
    /// The renditions among the tracks, `main` first, then by name.
    let renditions: [RenditionName]
    /// The init sections written so far.
    var initSections: [RenditionBytes] = []

    init(_ parameters: Parameters, term: Term) {
        self.term = term
        self.parameters = parameters
        leading = parameters.leadingTrack
        // Sound that is there for the layers only is no rendition while `main` has no picture.
        let layers = parameters.tracks.filter { $0.codec.isVideo || $0.rendition != .main }
        renditions = Set((layers.isEmpty ? parameters.tracks : layers).map(\.rendition)).sorted { left, right in
            (left == .main ? 0 : 1, left) < (right == .main ? 0 : 1, right)
        }
    }

    /// The tracks of a rendition, by id; behind them the sound that it shares with `main`, where it has pictures and no sound
    /// of its own.
    func tracks(_ rendition: RenditionName) -> [Track] {
        let own = parameters.tracks.filter { $0.rendition == rendition }
        guard rendition != .main, !own.isEmpty, own.allSatisfy(\.codec.isVideo) else { return own }
        return own + parameters.tracks.filter { $0.rendition == .main && !$0.codec.isVideo }
    }
}
