// SPDX-License-Identifier: Apache-2.0

/// Why a server did not do what it was asked.
public enum RedisFailure: Error, Hashable, Sendable {
    /// No server could be connected to; the text says why.
    case unreachable(String)
    /// The connection ended, or was silent for too long.
    case lost(String)
    /// The server refused, in its own words: `WRONGPASS …`, `READONLY …`, `LOADING …`.
    case refused(String)
    /// An answer of another shape than its command has.
    case unexpected(String)
    /// No sentinel that answers knows the name.
    case noMaster(String)
}

extension RedisFailure: CustomStringConvertible {
    /// For a log.
    public var description: String {
        switch self {
        case .lost(let reason): "the connection was lost: \(reason)"
        case .noMaster(let name): "no sentinel knows a master \(name)"
        case .refused(let words): "the server refused: \(words)"
        case .unexpected(let command): "the answer to \(command) can not be understood"
        case .unreachable(let reason): "no connection: \(reason)"
        }
    }
}
