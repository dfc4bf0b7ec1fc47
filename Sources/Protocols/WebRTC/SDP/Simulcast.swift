// SPDX-License-Identifier: Apache-2.0

/// A stream of simulcast and its restrictions: `a=rid`, RFC 8851. Of the restrictions only the payload types are kept.
public struct RID: Hashable, Sendable {
    /// Letters, digits, `-` and `_`.
    public var id: String
    /// Whether the writer receives the stream; else it sends it.
    public var isReceived: Bool
    /// The payload types that the stream may have; empty for all.
    public var payloadTypes: [UInt8]

    /// A stream of its parts.
    public init(id: String, isReceived: Bool, payloadTypes: [UInt8] = []) {
        self.id = id
        self.isReceived = isReceived
        self.payloadTypes = payloadTypes
    }
}

/// Which streams of simulcast go which way: `a=simulcast`, RFC 8853 §5.1. In each direction a list of streams, for each
/// of which there may be alternatives, the favourite first.
public struct Simulcast: Hashable, Sendable {
    /// What the writer sends.
    public var send: [[Alternative]]
    /// What the writer receives.
    public var receive: [[Alternative]]

    /// Streams of both directions.
    public init(send: [[Alternative]] = [], receive: [[Alternative]] = []) {
        self.send = send
        self.receive = receive
    }

    /// One `rid`, which may begin paused.
    public struct Alternative: Hashable, Sendable {
        /// The `rid`.
        public var id: String
        /// Whether nothing is sent before it is asked for.
        public var isPaused: Bool

        /// An alternative of its parts.
        public init(id: String, isPaused: Bool = false) {
            self.id = id
            self.isPaused = isPaused
        }
    }
}
