// SPDX-License-Identifier: Apache-2.0

import CDN
import HLS
import Identity
import WebServer

/// A segment or an init section as the archive has it.
struct ArchivedMedia {
    /// Its rendition.
    let id: RenditionID
    /// Its key in the store.
    let path: String
    private let name: Name

    private enum Name {
        case initSection(InitSectionName)
        case segment(UInt64, Term)
    }

    /// nil for what is not kept: parts and playlists.
    init?(_ resource: MediaResource, of stream: StreamID) {
        switch resource {
        case .flv, .mediaPlaylist, .multivariantPlaylist, .part: return nil
        case .initSection(let rendition, let term, let number):
            id = RenditionID(stream: stream, rendition: rendition)
            name = .initSection(InitSectionName(term: term, number: number))
            path = "\(stream)/\(rendition)/\(term)/init-\(number).mp4"
        case .segment(let rendition, let term, let msn):
            id = RenditionID(stream: stream, rendition: rendition)
            name = .segment(msn, term)
            path = "\(stream)/\(rendition)/\(term)/\(msn).m4s"
        }
    }

    /// Whether a playlist that reaches back may name it.
    func isListed(in history: StreamHistory) -> Bool {
        switch name {
        case .initSection(let name): history.names(name)
        case .segment(let msn, let term): history.names(msn, term: term)
        }
    }

    /// Whether the store need not be asked again what it lists: it lists another under this number, or begins behind it.
    func isForeign(to history: StreamHistory) -> Bool {
        guard case .segment(let msn, _) = name, let numbers = history.numbers else { return false }
        return numbers.contains(msn) || msn < numbers.lowerBound && !history.isCut
    }

    /// Whether the store has said that it has it.
    func isStored(by history: StreamHistory?) -> Bool {
        switch name {
        case .initSection: true
        case .segment(let msn, _): history?.confirmed.map { msn <= $0 } ?? true
        }
    }

    /// The head of its answer.
    /// - Parameter isTagged: whether it bears the key by which a CDN forgets it.
    func head(_ type: String, isTagged: Bool) -> AnswerHead {
        let term =
            switch name {
            case .initSection(let name): name.term
            case .segment(_, let term): term
            }
        return AnswerHead(
            status: 200, contentType: type, cacheControl: CachePolicy.immutable.headerText, etag: "\"\(term)\"",
            extra: isTagged ? [("Surrogate-Key", SurrogateKey(id.stream).text)] : [])
    }
}
