// SPDX-License-Identifier: Apache-2.0

public import Bytes

/// One packet of a compound RTCP datagram.
public enum RTCPPacket: Hashable, Sendable {
    /// Sources that left, RFC 3550 §6.6.
    case goodbye(Goodbye)
    /// A random access point is wanted, RFC 5104 §4.3.1.
    case fullIntraRequest(FullIntraRequest)
    /// Packets that are missing, RFC 4585 §6.2.1.
    case nack(NegativeAcknowledgement)
    /// Anything else, XR among it: its type, for a counter.
    case other(UInt8)
    /// A picture could not be decoded, RFC 4585 §6.3.1; carries the media source.
    case pictureLoss(sender: UInt32, media: UInt32)
    /// What a receiver makes of the bandwidth, draft-alvestrand-rmcat-remb.
    case receiverEstimate(ReceiverEstimate)
    /// RFC 3550 §6.4.2.
    case receiverReport(ReceiverReport)
    /// RFC 3550 §6.4.1.
    case senderReport(SenderReport)
    /// RFC 3550 §6.5.
    case sourceDescription(SourceDescription)
    /// When packets of the transport arrived, draft-holmer-rmcat-transport-wide-cc-extensions.
    case transportFeedback(TransportFeedback)
}

/// How one source is received, RFC 3550 §6.4.1.
public struct ReceptionReport: Hashable, Sendable {
    /// The source that is reported on.
    public var source: UInt32
    /// Packets lost since the last report, in 256ths.
    public var fractionLost: UInt8
    /// Packets lost since the beginning, in 24 bits; below 0 with duplicates.
    public var lost: Int32
    /// The highest sequence number, and above it how often the numbers wrapped.
    public var highestSequence: UInt32
    /// Interarrival jitter in ticks of the source's clock.
    public var jitter: UInt32
    /// The middle bits of the last sender report; 0 before the first.
    public var lastReport: UInt32
    /// How long ago that came, in units of 2^-16 s.
    public var sinceLastReport: UInt32

    /// A report of its parts.
    public init(
        source: UInt32, fractionLost: UInt8 = 0, lost: Int32 = 0, highestSequence: UInt32 = 0, jitter: UInt32 = 0,
        lastReport: UInt32 = 0, sinceLastReport: UInt32 = 0
    ) {
        self.source = source
        self.fractionLost = fractionLost
        self.lost = lost
        self.highestSequence = highestSequence
        self.jitter = jitter
        self.lastReport = lastReport
        self.sinceLastReport = sinceLastReport
    }

    /// The time that a packet takes to the receiver and back, where the report tells; RFC 3550 §6.4.1.
    public func roundTrip(arrival: NTPTime) -> Duration? {
        guard lastReport != 0 else { return nil }
        let units = arrival.middle &- lastReport &- sinceLastReport
        return units < 1 << 31 ? Duration(short: units) : .zero
    }
}

/// Which instant of a source's clock was which civil time, and what it sent; RFC 3550 §6.4.1.
public struct SenderReport: Hashable, Sendable {
    /// The source.
    public var source: UInt32
    /// Civil time by the sender's clock.
    public var time: NTPTime
    /// The same instant in ticks of the source's clock.
    public var timestamp: UInt32
    /// Packets sent so far, modulo 2^32.
    public var packets: UInt32
    /// Bytes of payload sent so far, modulo 2^32.
    public var octets: UInt32
    /// What the sender itself receives; at most 31.
    public var reports: [ReceptionReport]

    /// A report of its parts.
    public init(
        source: UInt32, time: NTPTime, timestamp: UInt32, packets: UInt32, octets: UInt32,
        reports: [ReceptionReport] = []
    ) {
        self.source = source
        self.time = time
        self.timestamp = timestamp
        self.packets = packets
        self.octets = octets
        self.reports = reports
    }
}

/// How sources are received by somebody who sends nothing, RFC 3550 §6.4.2.
public struct ReceiverReport: Hashable, Sendable {
    /// Who reports.
    public var source: UInt32
    /// At most 31.
    public var reports: [ReceptionReport]

    /// A report of its parts.
    public init(source: UInt32, reports: [ReceptionReport]) {
        self.source = source
        self.reports = reports
    }
}

/// The name that sources of one sender share, by which tracks are brought in step; RFC 3550 §6.5. Other items of a
/// description are passed over.
public struct SourceDescription: Hashable, Sendable {
    /// The sources with their canonical names; at most 31, names of at most 255 bytes.
    public var names: [Name]

    /// A source and its canonical name.
    public struct Name: Hashable, Sendable {
        /// The source.
        public let source: UInt32
        /// The name, in UTF-8; empty where none was told.
        public let canonicalName: ByteSlice

        /// A name of its parts.
        public init(source: UInt32, canonicalName: ByteSlice) {
            self.source = source
            self.canonicalName = canonicalName
        }
    }

    /// A description of its parts.
    public init(names: [Name]) { self.names = names }
}

/// Sources that left, RFC 3550 §6.6; the reason is passed over.
public struct Goodbye: Hashable, Sendable {
    /// At most 31.
    public var sources: [UInt32]

    /// A farewell of its parts.
    public init(sources: [UInt32]) { self.sources = sources }
}
