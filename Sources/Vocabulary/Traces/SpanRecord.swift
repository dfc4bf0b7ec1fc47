// SPDX-License-Identifier: Apache-2.0

/// A span that has ended.
public struct SpanRecord: Hashable, Sendable {
    /// What a span is to its parent and its children, as OpenTelemetry tells them apart.
    public enum Kind: Hashable, Sendable, CaseIterable {
        case `internal`
        case server
        case client
        case producer
        case consumer
    }

    /// What is said of it beside its name.
    public struct Attribute: Hashable, Sendable {
        /// What is said, in the dotted names of OpenTelemetry.
        public let key: String
        /// How it is.
        public let value: Value

        /// An attribute of its parts.
        public init(_ key: String, _ value: Value) {
            self.key = key
            self.value = value
        }
    }

    /// An attribute's value.
    public enum Value: Hashable, Sendable {
        case flag(Bool)
        case number(Int64)
        case text(String)
    }

    /// What was done, a word of a small set.
    public var name: String
    /// What it is to its neighbours.
    public var kind: Kind
    /// The span itself.
    public var context: TraceContext
    /// The span that it is a part of, or a consequence; nil for the root.
    public var parent: SpanID?
    /// When it began.
    public var start: TraceTime
    /// When it ended, not before it began.
    public var end: TraceTime
    /// What else is said of it.
    public var attributes: [Attribute]
    /// Spans of other traces that it has to do with.
    public var links: [TraceContext]
    /// Why it failed; nil where it did not.
    public var failure: String?

    /// A span of its parts. An end before the start, as a stepped clock makes it, is taken for the start.
    public init(
        _ name: String, _ kind: Kind, _ context: TraceContext, parent: SpanID?, from start: TraceTime,
        to end: TraceTime, _ attributes: [Attribute] = [], links: [TraceContext] = [], failure: String? = nil
    ) {
        self.name = name
        self.kind = kind
        self.context = context
        self.parent = parent
        self.start = start
        self.end = max(start, end)
        self.attributes = attributes
        self.links = links
        self.failure = failure
    }
}

/// A point in civil time as traces have it.
public struct TraceTime: Hashable, Comparable, Sendable {
    /// Nanoseconds since 1970-01-01T00:00:00Z.
    public let nanoseconds: UInt64

    /// A point so many nanoseconds after the beginning of 1970.
    public init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

    /// Orders by time.
    public static func < (left: TraceTime, right: TraceTime) -> Bool { left.nanoseconds < right.nanoseconds }

    /// The point `duration` before, not before 1970.
    public func before(_ duration: Duration) -> TraceTime {
        let (seconds, attoseconds) = max(duration, .zero).components
        let nanoseconds = UInt64(clamping: seconds) &* 1_000_000_000 &+ UInt64(clamping: attoseconds / 1_000_000_000)
        return TraceTime(nanoseconds: self.nanoseconds - min(self.nanoseconds, nanoseconds))
    }
}
