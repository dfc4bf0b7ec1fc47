// SPDX-License-Identifier: Apache-2.0

public import Bytes
public import Objects

/// How a stream's uploads are done.
public struct UploadSettings: Hashable, Sendable {
    /// Uploads of segments and init sections at one time, 1 or more.
    public var concurrency = 4
    /// How many bytes wait in memory before they go to the disk.
    public var memoryLimit: ByteCount = .mebibytes(64)
    /// How many bytes wait on the disk before the oldest are lost. Zero for no disk.
    public var diskLimit: ByteCount = .mebibytes(1024)
    /// How long a segment may hold up the playlist while later ones are stored: three target durations.
    public var patience: Duration = .seconds(6)
    /// How long nothing may succeed before the operator is told.
    public var alertAfter: Duration = .seconds(10)
    /// The waits between attempts.
    public var retry = RetrySchedule()

    /// The defaults.
    public init() {}
}
