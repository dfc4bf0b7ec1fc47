// SPDX-License-Identifier: Apache-2.0

/// How a viewer behaves.
public struct HLSViewerSettings: Hashable, Sendable {
    /// How many requests it has under way at once: 1, or 2 with playlists and media beside each other as players do.
    public var connections = 2
    /// How long it waits for an answer, beyond what a server may hold a blocking one: three target durations.
    public var answerTimeout: Duration = .seconds(10)
    /// How long it waits after a failure before it asks for a playlist again.
    public var retryDelay: Duration = .seconds(1)

    /// The defaults.
    public init() {}
}
