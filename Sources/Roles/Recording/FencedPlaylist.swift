// SPDX-License-Identifier: Apache-2.0

import Identity
import Objects
import Storage

/// A playlist in the store that only the highest term may write.
///
/// It bears its writer's term in a comment behind its first line. Each write says which content it replaces; when that is
/// not there any more, or is not known, the playlist is read first, and a higher term found there ends this one. So a
/// gateway that was cut off can not write over its successor, also when each believes to be alone.
struct FencedPlaylist {
    private let key: ObjectKey
    private var known: Known = .nothing
    /// Whether it was there when this writer last looked or wrote.
    private var wasThere = false

    private enum Known {
        case nothing
        case isAbsent
        case has(ObjectVersion)
    }

    init(_ key: ObjectKey) { self.key = key }

    /// Writes a playlist in a term, which is never lower than at the last call.
    /// - Returns: the higher term that holds the playlist, in place of writing it.
    /// - Throws: ``StoreFailure/conditionFailed`` where a lower term has written what the text does not go on from, or where
    ///   the playlist was deleted or ended meanwhile: it is not written again.
    mutating func write(
        _ text: [UInt8], in term: Term, goingOnFrom basis: UploadDocument.Basis, cacheControl: String,
        to store: any ObjectStore
    ) async throws(StoreFailure) -> Term? {
        let content = Self.content(text, in: term, cacheControl: cacheControl)
        for _ in 0..<Self.attempts {
            if case .nothing = known, let higher = try await look(in: store, as: term, for: basis, text) {
                return higher
            }
            let condition = condition
            // Whether a write that fails has happened is not known.
            known = .nothing
            do throws(StoreFailure) {
                if let version = try await store.put(key, content, if: condition) { known = .has(version) }
                wasThere = true
                return nil
            } catch .conditionFailed {
                continue
            } catch .notFound {
                // What was to be replaced is gone.
                continue
            }
        }
        throw .conditionFailed
    }

    private var condition: ObjectCondition {
        switch known {
        case .nothing: .none
        case .isAbsent: .absent
        case .has(let version): .matches(version)
        }
    }

    /// Reads what is there; a higher term that wrote it.
    private mutating func look(
        in store: any ObjectStore, as term: Term, for basis: UploadDocument.Basis, _ text: [UInt8]
    ) async throws(StoreFailure) -> Term? {
        do throws(StoreFailure) {
            let found = try await store.get(key)
            let writer = Self.writer(of: found.bytes)
            if let writer, writer > term { return writer }
            // It bears no term any more: it was emptied, with what it named.
            guard writer != nil || !wasThere else { throw changed() }
            guard writer == term || basis.allows(found.version) else { throw .conditionFailed }
            // Whoever ends what seems to be left alone does so in its writer's term.
            guard !Self.isEnded(found.bytes) || Self.unmarked(found.bytes) == text else { throw .conditionFailed }
            known = found.version.map(Known.has) ?? .nothing
            wasThere = true
        } catch .notFound {
            guard !wasThere, basis.allows(nil) else { throw changed() }
            known = .isAbsent
        }
        return nil
    }

    /// Somebody has taken away what was here. Said once: who writes it all the same has looked what there is.
    private mutating func changed() -> StoreFailure {
        wasThere = false
        return .conditionFailed
    }

    /// A playlist as the store has it of a term.
    static func content(_ text: [UInt8], in term: Term, cacheControl: String) -> ObjectContent {
        ObjectContent(marked(text, with: term), mediaType: "application/vnd.apple.mpegurl", cacheControl: cacheControl)
    }

    /// The text with its writer's term behind the first line, where RFC 8216 §4.1 allows comments.
    private static func marked(_ text: [UInt8], with term: Term) -> [UInt8] {
        let end = text.firstIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? text.endIndex
        return text[..<end] + Array("\(mark)\(term)\n".utf8) + text[end...]
    }

    /// The text without its writer's term.
    static func unmarked(_ text: [UInt8]) -> [UInt8] {
        guard let first = text.firstIndex(of: UInt8(ascii: "\n")), text[(first + 1)...].starts(with: mark.utf8),
            let second = text[(first + 1)...].firstIndex(of: UInt8(ascii: "\n"))
        else { return text }
        return Array(text[...first] + text[(second + 1)...])
    }

    /// The term that wrote a playlist; nil for one that bears none.
    static func writer(of text: [UInt8]) -> Term? {
        let lines = text.split(separator: UInt8(ascii: "\n"), maxSplits: 8)
        let line = lines.lazy.map { String(decoding: $0, as: UTF8.self) }.first { $0.hasPrefix(mark) }
        return line.flatMap { Term(parsing: $0.dropFirst(mark.count)) }
    }

    /// Whether a playlist says that nothing will follow.
    private static func isEnded(_ text: [UInt8]) -> Bool { text.suffix(ended.count).elementsEqual(ended) }

    private static let ended = Array("#EXT-X-ENDLIST\n".utf8)
    private static let mark = "# millrace-term "
    private static let attempts = 3
}

extension UploadDocument.Basis {
    /// Whether a text of this basis may replace what is there; nil where nothing is.
    fileprivate func allows(_ found: ObjectVersion?) -> Bool {
        switch self {
        case .anything: true
        case .nothing: found == nil
        case .content(let version): found == version
        }
    }
}
