// SPDX-License-Identifier: Apache-2.0

/// What a program that makes sound wrote wrong.
public enum SoundFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// These bytes are not what they should be.
    case malformed(String)

    /// What a person reads.
    public var description: String {
        switch self {
        case .malformed(let what): "malformed: \(what)"
        }
    }
}
