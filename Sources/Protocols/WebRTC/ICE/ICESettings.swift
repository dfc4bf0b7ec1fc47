// SPDX-License-Identifier: Apache-2.0

/// How long a remote party may be silent, and how many ways may lead to it.
public struct ICESettings: Hashable, Sendable {
    /// From the answer to the first valid check. Who asks for a session and never comes is gone after it.
    public var firstCheckTimeout: Duration = .seconds(10)
    /// From the answer to a nominated path.
    public var nominationTimeout: Duration = .seconds(30)
    /// From the last sign of life to the end, RFC 7675 §5.1. Clients check every 2.5 to 6 s.
    public var consentTimeout: Duration = .seconds(30)
    /// From the last sign of life on the selected path to when media on another one selects that.
    public var moveTimeout: Duration = .seconds(5)
    /// How many paths of a session are known at a time; a further one takes the place of the one heard longest ago.
    public var maximumPaths = 8

    /// The defaults.
    public init() {}
}
