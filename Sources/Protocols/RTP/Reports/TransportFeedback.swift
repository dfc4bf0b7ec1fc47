// SPDX-License-Identifier: Apache-2.0

/// When packets of a transport arrived, by their transport-wide numbers:
/// draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1.
public struct TransportFeedback: Hashable, Sendable {
    /// Who reports.
    public var sender: UInt32
    /// A source of the transport; any will do.
    public var media: UInt32
    /// The number of the first packet reported on.
    public var base: UInt16
    /// From where the first arrival counts, in units of 64 ms, 24 bits with sign.
    public var reference: Int32
    /// Grows by one a message, so that a lost message shows.
    public var count: UInt8
    /// For each packet from `base` on how much later it arrived than the one before it in units of 250 µs; nil where
    /// it has not arrived. The first counts from `reference`. At most ``longest``.
    public var deltas: [Int16?]

    /// A message of its parts.
    public init(sender: UInt32, media: UInt32, base: UInt16, reference: Int32, count: UInt8, deltas: [Int16?]) {
        self.sender = sender
        self.media = media
        self.base = base
        self.reference = reference
        self.count = count
        self.deltas = deltas
    }

    /// How many packets a message may report on. The format allows 65 535; no sender of ours has so many on their
    /// way, and one run holds no more.
    public static let longest = 8191

    /// The unit of `reference`.
    public static let referenceUnit: Duration = .milliseconds(64)
    /// The unit of `deltas`.
    public static let deltaUnit: Duration = .microseconds(250)
}
