// SPDX-License-Identifier: Apache-2.0

public import Bytes
public import Objects

/// How patient a store is.
public struct StoreSettings: Hashable, Sendable {
    /// The longest that one attempt may take.
    public var timeout: Duration = .seconds(4)
    /// The most attempts of one operation, 1 or more.
    public var attempts = 5
    /// The wait between attempts.
    public var retry = RetrySchedule()
    /// Whether a read that takes longer than most is asked a second time, and the first answer taken.
    public var hedgesReads = true
    /// The longest object that is read at once.
    public var largestObject: ByteCount = .mebibytes(64)

    /// The defaults.
    public init() {}
}
