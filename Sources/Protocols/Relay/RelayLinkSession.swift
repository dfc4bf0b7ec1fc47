// SPDX-License-Identifier: Apache-2.0

public import Bytes
public import Identity

/// One connection between two nodes: cuts it into frames, sees to it that both say who they are first, and that neither
/// is stuck.
public struct RelayLinkSession: Sendable {
    /// Who the peer is; nil before its hello.
    public private(set) var peer: RelayHello?

    private let ours: RelayHello
    private let expected: NodeID?
    private let settings: RelaySettings
    private var decoder = RelayFrameDecoder()
    private let openedAt: Duration
    private var blockedSince: Duration?

    /// A connection that has just been opened. Send ``greeting`` first of all.
    /// - Parameter expected: the node that was called; nil for one that calls.
    public init(_ ours: RelayHello, expecting expected: NodeID? = nil, settings: RelaySettings, now: Duration) {
        self.ours = ours
        self.expected = expected
        self.settings = settings
        openedAt = now
    }

    /// Our hello.
    public var greeting: RelayFrame { RelayFrame(channel: 0, message: .hello(ours)) }

    /// Bytes came. Take out all frames by ``next()`` before more.
    public mutating func receive(_ bytes: ByteSlice) { decoder.receive(bytes) }

    /// How many messages of the peer were passed over, as their kind is unknown here; it is of a newer program.
    public var skippedMessages: Int { decoder.skippedFrames }

    /// The kind of the last of them.
    public var unknownKind: UInt8? { decoder.unknownKind }

    /// The next frame that came whole; a hello is kept in ``peer`` and is not one of them.
    public mutating func next() throws(RelayFailure) -> RelayFrame? {
        while let frame = try decoded() {
            guard case .hello(let hello) = frame.message else {
                guard peer != nil else { throw .unexpected }
                return frame
            }
            try greet(hello)
        }
        return nil
    }

    /// The connection takes more, or no more for now.
    public mutating func isWritable(_ isWritable: Bool, now: Duration) {
        blockedSince = isWritable ? nil : blockedSince ?? now
    }

    /// Throws what took too long.
    public func tick(now: Duration) throws(RelayFailure) {
        if peer == nil, now >= openedAt + settings.helloTimeout { throw .silence }
        if let blockedSince, now >= blockedSince + settings.stallTimeout { throw .stalled }
    }

    /// Until when nothing is due; nil for never.
    public var nextDeadline: Duration? {
        let hello = peer == nil ? openedAt + settings.helloTimeout : nil
        let stall = blockedSince.map { $0 + settings.stallTimeout }
        return [hello, stall].compactMap { $0 }.min()
    }

    /// A stranger is believed nothing that is not known.
    private mutating func decoded() throws(RelayFailure) -> RelayFrame? {
        guard peer != nil else { return try decoder.next(longest: Self.longestHello, passingOver: false) }
        return try decoder.next(longest: settings.maximumFrame)
    }

    private mutating func greet(_ hello: RelayHello) throws(RelayFailure) {
        guard hello.cluster == ours.cluster else { throw .foreignCluster(hello.cluster) }
        guard ours.versions.overlaps(hello.versions) else {
            throw .version(theirs: hello.versions, ours: ours.versions)
        }
        guard peer == nil, hello.node == expected ?? hello.node, hello.node != ours.node else { throw .unexpected }
        peer = hello
    }

    /// Above any hello: a stranger gets no more of our memory.
    private static let longestHello = ByteCount.bytes(256)
}
