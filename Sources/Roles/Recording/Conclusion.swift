// SPDX-License-Identifier: Apache-2.0

/// What a recorder says in the playlists of a recording behind which it has nothing more of the stream: its term names no more
/// media. It is a comment, which RFC 8216 §4.1 lets players ignore.
///
/// EXT-X-ENDLIST alone does not say so: a recording that has become long ends, and the next one goes on with the names of the
/// same term; and others end a recording whose recorder may be cut off from them, and not from the store.
enum Conclusion {
    /// The text of a playlist with it, behind the first line.
    static func marked(_ text: [UInt8]) -> [UInt8] {
        let end = text.firstIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? text.endIndex
        return text[..<end] + Array("\(mark)\n".utf8) + text[end...]
    }

    /// Whether a playlist, as the store has it, says it.
    static func isMarked(_ text: [UInt8]) -> Bool {
        text.split(separator: UInt8(ascii: "\n"), maxSplits: 8).prefix(8).contains { $0.elementsEqual(mark.utf8) }
    }

    private static let mark = "# millrace-last"
}
