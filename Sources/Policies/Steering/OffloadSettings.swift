// SPDX-License-Identifier: Apache-2.0

/// When a stream's viewers fetch from a CDN.
public struct OffloadSettings: Hashable, Sendable {
    /// What decides.
    public enum Mode: String, Hashable, Sendable, CaseIterable {
        /// The CDN is never used.
        case never
        /// The CDN is always used.
        case always
        /// The CDN is used while there are many viewers or the edges are full.
        case load
    }

    /// What decides.
    public var mode = Mode.never
    /// From how many viewers of the stream on, 1 or more.
    public var viewers = 1000
    /// From which share of the edges' capacity on, above 0.
    public var use = 0.7
    /// For how long both must lie below three quarters of their thresholds before viewers come back.
    public var calm: Duration = .seconds(60)

    /// The defaults.
    public init() {}
}
