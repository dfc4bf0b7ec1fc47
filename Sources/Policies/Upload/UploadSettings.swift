// SPDX-License-Identifier: Apache-2.0

public import Bytes
public import Objects

/// How a stream's uploads are done.
public struct UploadSettings: Hashable, Sendable {
    /// Uploads at one time but those of playlists, 1 or more; parts are half of them at most, and one at least.
    public var concurrency = 4
    /// How many bytes wait in memory before they go to the disk. Parts do not: they are dropped.
    public var memoryLimit: ByteCount = .mebibytes(64)
    /// How many bytes wait on the disk before the oldest are lost. Zero for no disk.
    public var diskLimit: ByteCount = .mebibytes(1024)
    /// How long a segment may hold up the playlist while later ones are stored: three target durations.
    public var patience: Duration = .seconds(6)
    /// How long a part is of use behind its end, and so tried again: not longer than three target durations, as playlists list
    /// parts no longer (RFC 8216bis §4.4.4.9).
    public var partLifetime: Duration = .seconds(6)
    /// How long a part stays in the store.
    public var partRetention: Duration = .seconds(60)
    /// How long nothing may succeed before the operator is told.
    public var alertAfter: Duration = .seconds(10)
    /// The waits between attempts.
    public var retry = RetrySchedule()

    /// The defaults.
    public init() {}
}
