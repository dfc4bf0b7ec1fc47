// SPDX-License-Identifier: Apache-2.0

/// What was negotiated with a publisher, and how often it is told how its media comes.
public struct ReceiveSettings: Hashable, Sendable {
    /// The m-lines that are received, in their order.
    public var media: [ReceiveMedia]
    /// The numbers of the header extensions.
    public var extensions = ExtensionMap()
    /// The source that our reports come from.
    public var source: UInt32
    /// How long from one receiver report to the next.
    public var reportInterval: Duration = .seconds(1)
    /// How long from one transport-wide feedback to the next, as libwebrtc's senders expect it.
    public var feedbackInterval: Duration = .milliseconds(100)
    /// The least time from one request for a random access point of a source to the next: an encoder that is asked more
    /// often only loses quality.
    public var randomAccessInterval: Duration = .milliseconds(500)
    /// Waiting and asking where the publisher answers requests.
    public var reorder = ReorderSettings()

    /// The defaults for what was negotiated.
    public init(media: [ReceiveMedia], source: UInt32) {
        self.media = media
        self.source = source
    }
}

/// One m-line as it is received.
public struct ReceiveMedia: Hashable, Sendable {
    /// Its identification tag; empty where none was given.
    public var mid: String
    /// What each payload type is.
    public var formats: [UInt8: ReceiveFormat]
    /// The layers of simulcast by their stream ids, best or worst first as negotiated; empty for a single one.
    public var rids: [String] = []
    /// Sources that were signalled, each with that of its retransmissions where there is one.
    public var sources: [SignalledSource] = []
    /// Which feedback was negotiated.
    public var feedback: Feedback = []

    /// An m-line of its parts.
    public init(mid: String, formats: [UInt8: ReceiveFormat]) {
        self.mid = mid
        self.formats = formats
    }

    /// Feedback that an `a=rtcp-fb` line allows.
    public struct Feedback: OptionSet, Hashable, Sendable {
        /// The bits.
        public let rawValue: UInt8
        /// Feedback of its bits.
        public init(rawValue: UInt8) { self.rawValue = rawValue }
        /// `ccm fir`
        public static let fullIntraRequest = Feedback(rawValue: 1)
        /// `nack`
        public static let nack = Feedback(rawValue: 2)
        /// `nack pli`
        public static let pictureLoss = Feedback(rawValue: 4)
        /// `transport-cc`
        public static let transport = Feedback(rawValue: 8)
    }

    /// A source of an `a=ssrc` line.
    public struct SignalledSource: Hashable, Sendable {
        /// The source of the media.
        public let media: UInt32
        /// The source of its retransmissions, where `a=ssrc-group:FID` names one.
        public let repair: UInt32?

        /// A source of its parts.
        public init(media: UInt32, repair: UInt32? = nil) {
            self.media = media
            self.repair = repair
        }
    }
}

/// What a payload type is.
public enum ReceiveFormat: Hashable, Sendable {
    /// Media.
    case codec(RTPCodec)
    /// What is passed over: comfort noise, redundancy, telephone events.
    case ignored
    /// Packets of the payload type named here, sent again (RFC 4588, `apt`).
    case retransmission(of: UInt8)
}

/// One layer of one m-line.
public struct ReceiveSource: Hashable, Sendable {
    /// Which m-line, from 0 in the order of the settings.
    public let media: Int
    /// Which layer, from 0 in the order of `rids`.
    public let layer: Int

    /// A layer of its parts.
    public init(media: Int, layer: Int = 0) {
        self.media = media
        self.layer = layer
    }
}
