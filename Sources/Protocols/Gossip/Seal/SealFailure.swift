// SPDX-License-Identifier: Apache-2.0

/// Why bytes are not opened. Each is a counter; nothing is ever answered to one.
public enum SealFailure: Error, Hashable, Sendable, CaseIterable {
    /// The tag does not fit: made or changed by somebody without the key, or under a name that is none.
    case forged
    /// No magic of ours.
    case notOurs
    /// Opened before, too old for the window, of a life that is over, or our own.
    case replayed
    /// Over the largest size.
    case tooLong
    /// Shorter than its header and tag.
    case tooShort
    /// Sealed with a key that is not in the keyring.
    case unknownKey
    /// Another version of the envelope, or a kind of packet that this version does not know.
    case version
    /// Of another cluster or pool.
    case wrongCluster
}
