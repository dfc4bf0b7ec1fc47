// SPDX-License-Identifier: Apache-2.0

/// How a viewer behaves. The defaults are those of hls.js as our own page sets it up.
public struct HLSViewerSettings: Hashable, Sendable {
    /// How many requests it has under way at once, but for a few aside: 1, or 2 with playlists and media beside each other
    /// as players do.
    public var connections = 2
    /// Whether it plays parts and lets the server hold its requests; false is a player that knows of neither.
    public var isLowLatency = true
    /// Whether it asks for the part of a preload hint before it is there, as Apple's player does and hls.js does not; with
    /// two connections only.
    public var takesHints = false
    /// Whether it asks for delta updates where the server has them.
    public var takesDeltas = true
    /// How long it waits for an answer, beyond what a server may hold a blocking one: three target durations.
    public var answerTimeout: Duration = .seconds(10)
    /// How long it waits after a failure before it asks again; twice as long after each further one, up to five times.
    public var retryDelay: Duration = .milliseconds(400)
    /// How often it asks in vain before it goes to another pathway, where there is one.
    public var triesOfPathway = 2
    /// How often it asks in vain before it gives up a part, or begins from the beginning.
    public var tries = 5
    /// How late a playlist may be beyond the part target before a viewer with another pathway looks whether the server is
    /// still there.
    public var silence: Duration = .milliseconds(400)
    /// How seldom it looks in the end while the server lives and the playlist stays as it is: twice as seldom each time.
    public var longestSilence: Duration = .seconds(4)
    /// How long the server then has to say anything.
    public var probeTimeout: Duration = .milliseconds(600)

    /// The defaults.
    public init() {}
}
