// SPDX-License-Identifier: Apache-2.0

import Bytes
import HLS

/// What a request for a playlist wants of the past.
struct RewindWish: Hashable {
    /// What the request says; nil where it says nothing.
    let said: Bool?
    /// Whether the playlist reaches back.
    let reaches: Bool

    /// A playlist of the window, as where nothing is kept.
    static let none = RewindWish(said: nil, reaches: false)

    /// The wish of a query.
    init(_ query: ByteSlice, _ settings: RewindSettings) {
        said = PlaylistQuery.rewinds(query)
        reaches = said ?? settings.isDefault
    }

    private init(said: Bool?, reaches: Bool) {
        self.said = said
        self.reaches = reaches
    }

    /// The same for the names of other playlists.
    var query: String { said.map { $0 ? "dvr=1" : "dvr=0" } ?? "" }

    /// Tells playlists apart in entity tags.
    var mark: String { reaches ? said == nil ? "b" : "br" : said == nil ? "" : "r" }

    /// What a playlist says that does not reach back; nil where that is what it always says.
    var withoutPast: Rewind? { said == nil ? nil : Rewind(reach: .zero, query: query) }
}
