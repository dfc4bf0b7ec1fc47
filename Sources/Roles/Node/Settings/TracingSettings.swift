// SPDX-License-Identifier: Apache-2.0

/// `tracing.…`: where segments were, and how long.
public struct TracingSettings: Sendable, Equatable {
    /// Where spans are sent; nil where nothing is traced.
    public var endpoint: String?
    /// A header of those requests that says who sends them, `Name: value`.
    public var header: SecretText?
    /// One of so many segments is traced.
    public var sample = 100
    /// How many requests a second are followed whose viewer's own trace is sampled.
    public var requests = 10
    /// How many spans may wait.
    public var queue = 4096

    /// The defaults.
    public init() {}

    /// What is wrong, each as a sentence.
    var contradictions: [String] {
        var found: [String] = []
        let text = header?.revealed.utf8 ?? ":".utf8
        if !text.contains(UInt8(ascii: ":")) || text.contains(where: { $0 < 0x20 || $0 == 0x7F }) {
            found.append("tracing.header is Name: value")
        }
        if header != nil, endpoint == nil { found.append("tracing.header needs tracing.endpoint") }
        return found
    }
}
