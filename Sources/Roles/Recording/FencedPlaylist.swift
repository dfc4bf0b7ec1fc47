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
    private let term: Term
    private var known: Known = .nothing

    private enum Known {
        case nothing
        case isAbsent
        case has(ObjectVersion)
    }

    init(_ key: ObjectKey, term: Term) {
        self.key = key
        self.term = term
    }

    /// Writes a playlist.
    /// - Parameter basis: the content that the text goes on from, where that is another term's.
    /// - Returns: the higher term that holds the playlist, in place of writing it.
    /// - Throws: ``StoreFailure/conditionFailed`` where a lower term has written after that.
    mutating func write(
        _ text: [UInt8], goingOnFrom basis: ObjectVersion? = nil, cacheControl: String, to store: any ObjectStore
    ) async throws(StoreFailure) -> Term? {
        let content = ObjectContent(
            marked(text), mediaType: "application/vnd.apple.mpegurl", cacheControl: cacheControl)
        for _ in 0..<Self.attempts {
            if case .nothing = known, let higher = try await look(in: store, for: basis) { return higher }
            let condition = condition
            // Whether a write that fails has happened is not known.
            known = .nothing
            do throws(StoreFailure) {
                if let version = try await store.put(key, content, if: condition) { known = .has(version) }
                return nil
            } catch .conditionFailed {
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
    private mutating func look(in store: any ObjectStore, for basis: ObjectVersion?) async throws(StoreFailure) -> Term?
    {
        do throws(StoreFailure) {
            let found = try await store.get(key)
            let writer = Self.writer(of: found.bytes)
            if let writer, writer > term { return writer }
            if let basis, writer != term, found.version != basis { throw .conditionFailed }
            known = found.version.map(Known.has) ?? .nothing
        } catch .notFound {
            known = .isAbsent
        }
        return nil
    }

    /// The text with its writer's term behind the first line, where RFC 8216 §4.1 allows comments.
    private func marked(_ text: [UInt8]) -> [UInt8] {
        let end = text.firstIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? text.endIndex
        return text[..<end] + Array("\(Self.mark)\(term)\n".utf8) + text[end...]
    }

    /// The term that wrote a playlist; nil for one that bears none.
    static func writer(of text: [UInt8]) -> Term? {
        let lines = text.split(separator: UInt8(ascii: "\n"), maxSplits: 8)
        let line = lines.lazy.map { String(decoding: $0, as: UTF8.self) }.first { $0.hasPrefix(mark) }
        return line.flatMap { Term(parsing: $0.dropFirst(mark.count)) }
    }

    private static let mark = "# millrace-term "
    private static let attempts = 3
}
