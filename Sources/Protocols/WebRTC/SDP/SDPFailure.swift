// SPDX-License-Identifier: Apache-2.0

/// Why a text is no session description, with the line, counted from 1. Prints as a sentence for who sent it.
public enum SDPFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// Two media of the same `mid`.
    case duplicateMid(String, line: Int)
    /// A line longer than lines may be.
    case lineTooLong(line: Int)
    /// A line of a kind that is read, which does not say what it should.
    case malformed(String, line: Int)
    /// The text does not begin with `v=0`.
    case noVersion
    /// The text is longer than it may be; carries its length in bytes.
    case tooLong(Int)
    /// More of a kind of line than there may be.
    case tooMany(String, limit: Int)
    /// A line that is not a letter, `=` and printable text.
    case unreadable(line: Int)

    /// A sentence.
    public var description: String {
        switch self {
        case .duplicateMid(let mid, let line): "line \(line): a second medium has the mid \(mid)"
        case .lineTooLong(let line): "line \(line) is too long"
        case .malformed(let what, let line): "line \(line): \(what) is malformed"
        case .noVersion: "the text does not begin with v=0"
        case .tooLong(let length): "\(length) bytes are too many"
        case .tooMany(let what, let limit): "there are more than \(limit) of \(what)"
        case .unreadable(let line): "line \(line) is not a letter, = and printable text"
        }
    }
}
