// SPDX-License-Identifier: Apache-2.0

import Feed
import Identity
import Media

/// Parameters and the term that bore them, which together name the init sections.
struct ParametersBirth: Sendable {
    let term: Term
    let parameters: Parameters
    /// The renditions among the tracks, `main` first, then by name.
    let renditions: [RenditionName]
    /// The init sections written so far.
    var initSections: [RenditionBytes] = []

    init(_ parameters: Parameters, term: Term) {
        self.term = term
        self.parameters = parameters
        renditions = Set(parameters.tracks.map(\.rendition)).sorted { left, right in
            (left == .main ? 0 : 1, left) < (right == .main ? 0 : 1, right)
        }
    }

    /// The tracks of a rendition, by id.
    func tracks(_ rendition: RenditionName) -> [Track] { parameters.tracks.filter { $0.rendition == rendition } }
}
