// SPDX-License-Identifier: Apache-2.0

public import Bytes

/// A publisher's packet in its order.
public struct ReceivedPacket: Hashable, Sendable {
    /// The layer it belongs to.
    public let source: ReceiveSource
    /// What its payload holds.
    public let codec: RTPCodec
    /// Its number, unwrapped; it only grows, by more than one where packets are lost.
    public let sequence: Int64
    /// Its time on the codec's clock, unwrapped.
    public let timestamp: Int64
    /// Whether it is the last of a picture.
    public let marker: Bool
    /// What it carries; may be empty.
    public let payload: ByteSlice

    /// A packet of its parts.
    public init(
        source: ReceiveSource, codec: RTPCodec, sequence: Int64, timestamp: Int64, marker: Bool, payload: ByteSlice
    ) {
        self.source = source
        self.codec = codec
        self.sequence = sequence
        self.timestamp = timestamp
        self.marker = marker
        self.payload = payload
    }
}

/// Which instant of a source's clock was which civil time by the publisher's clock.
public struct ClockReport: Hashable, Sendable {
    /// Civil time.
    public let time: NTPTime
    /// The same instant on the codec's clock, unwrapped as the timestamps of the source's packets are.
    public let timestamp: Int64

    /// A report of its parts.
    public init(time: NTPTime, timestamp: Int64) {
        self.time = time
        self.timestamp = timestamp
    }
}
