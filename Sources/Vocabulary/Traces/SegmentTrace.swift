// SPDX-License-Identifier: Apache-2.0

public import Identity

/// A stream as the names of its segments' traces begin. Make it once a stream: it reads the name.
public struct StreamTrace: Hashable, Sendable {
    /// The stream.
    public let stream: StreamID
    private let high: UInt64
    private let low: UInt64

    /// The beginning of a stream's names.
    public init(_ stream: StreamID) {
        self.stream = stream
        high = Mixing.hash(stream.description, seed: 0xCBF2_9CE4_8422_2325)
        low = Mixing.hash(stream.description, seed: 0x9AE1_6A3B_2F90_404F)
    }

    /// The trace of a segment.
    /// - Parameters:
    ///   - term: the term that stands in the names of its parts.
    ///   - msn: its media sequence number.
    public func segment(_ msn: UInt64, in term: Term) -> SegmentTrace {
        let words = [term.number, UInt64(term.salt), msn]
        return SegmentTrace(
            id: TraceID(mixed: words.reduce(high, Mixing.absorb), words.reduce(low, Mixing.absorb)))
    }
}

/// The trace of one segment, from its publisher's first message to its viewers' answers.
///
/// Its name and those of the spans by which nodes hold the segment come of the stream, the term, the number and the nodes
/// alone. So every node that has a segment knows which trace it belongs to, whether that is sampled, and which span of
/// another node its own is a child of, and nothing of it has to travel with the media.
public struct SegmentTrace: Hashable, Sendable {
    /// The trace.
    public let id: TraceID

    /// The span by which a node holds the segment: at its gateway the root, elsewhere a child of that of the node it came
    /// from. All that the node does with the segment is a child of it.
    public func holding(at node: NodeID) -> TraceContext {
        TraceContext(trace: id, span: SpanID(mixed: Mixing.absorb(id.low, node.number)))
    }

    /// A span of one of the segment's parts at a node.
    /// - Parameter step: tells apart what is done with a part.
    public func span(ofPart part: Int, step: UInt64, at node: NodeID) -> SpanID {
        let number = UInt64(truncatingIfNeeded: part) &+ step << 32 &+ 1
        return SpanID(mixed: Mixing.absorb(holding(at: node).span.number, number))
    }
}

/// Which traces are sampled: one of so many, by the trace's name alone, so that all nodes of one setting agree, and those of
/// a smaller share sample some of what the others do.
public struct TraceSampling: Hashable, Sendable {
    private let threshold: UInt64

    /// One of `share` traces; 1 for all.
    public init(oneIn share: Int) {
        threshold = Self.range - Self.range / UInt64(max(1, share))
    }

    /// Whether a trace is sampled: its last seven bytes are random (W3C Trace Context level 2 §3.2.2.5.2), and compared as
    /// OpenTelemetry's consistent probability sampling does.
    public func takes(_ trace: TraceID) -> Bool { trace.low & (Self.range - 1) >= threshold }

    private static let range: UInt64 = 1 << 56
}

enum Mixing {
    /// FNV-1a, finalised.
    static func hash(_ text: String, seed: UInt64) -> UInt64 {
        finalised(text.utf8.reduce(seed) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 })
    }

    /// A state that has taken in one more word.
    static func absorb(_ state: UInt64, _ word: UInt64) -> UInt64 {
        finalised((state ^ finalised(word)) &+ 0x9E37_79B9_7F4A_7C15)
    }

    /// The finaliser of SplitMix64.
    private static func finalised(_ word: UInt64) -> UInt64 {
        var mixed = word
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
