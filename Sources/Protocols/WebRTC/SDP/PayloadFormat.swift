// SPDX-License-Identifier: Apache-2.0

/// What a payload type stands for: `a=rtpmap`, `a=fmtp` and `a=rtcp-fb`.
public struct PayloadFormat: Hashable, Sendable {
    /// 0 to 127.
    public var payloadType: UInt8
    /// The encoding's name as written: `H264`, `opus`, `rtx`.
    public var encoding: String
    /// Ticks a second.
    public var clockRate: UInt32
    /// Channels of sound; 1 where none are named.
    public var channels: UInt8
    /// What `a=fmtp` says, as written: `key=value` between semicolons. Empty for none.
    public var parameters: String
    /// What `a=rtcp-fb` offers.
    public var feedback: RTCPFeedback

    /// A format of its parts.
    public init(
        payloadType: UInt8, encoding: String, clockRate: UInt32, channels: UInt8 = 1, parameters: String = "",
        feedback: RTCPFeedback = []
    ) {
        self.payloadType = payloadType
        self.encoding = encoding
        self.clockRate = clockRate
        self.channels = channels
        self.parameters = parameters
        self.feedback = feedback
    }

    /// The value of a parameter, whose name is compared without regard to case; nil where it is not given.
    public func parameter(_ name: String) -> Substring? {
        let name = name.lowercased()
        for item in parameters.split(separator: ";") {
            let pair = item.trimmed.split(separator: "=", maxSplits: 1)
            if let key = pair.first, key.trimmed.lowercased() == name { return pair.count > 1 ? pair[1].trimmed : "" }
        }
        return nil
    }
}

/// Feedback by RTCP that a format may get (RFC 4585, RFC 5104); kinds that we do not know are left out.
public struct RTCPFeedback: OptionSet, Hashable, Sendable {
    /// A bit for each kind.
    public let rawValue: UInt8

    /// A set of its bits.
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Lost packets are asked for again.
    public static let nack = RTCPFeedback(rawValue: 1)
    /// Picture loss indication.
    public static let pictureLoss = RTCPFeedback(rawValue: 2)
    /// Full intra request.
    public static let fullIntraRequest = RTCPFeedback(rawValue: 4)
    /// Arrival times of all packets (draft-holmer-rmcat-transport-wide-cc-extensions).
    public static let transportCC = RTCPFeedback(rawValue: 8)
    /// The receiver's estimate of the bandwidth (draft-alvestrand-rmcat-remb).
    public static let maximumBitrate = RTCPFeedback(rawValue: 16)

    /// Each kind with its text in `a=rtcp-fb`.
    static let names: [(RTCPFeedback, String)] = [
        (.maximumBitrate, "goog-remb"), (.transportCC, "transport-cc"), (.fullIntraRequest, "ccm fir"), (.nack, "nack"),
        (.pictureLoss, "nack pli"),
    ]
}

extension Substring {
    /// Without the blanks at both ends.
    var trimmed: Substring {
        var text = self
        while text.first == " " { text.removeFirst() }
        while text.last == " " { text.removeLast() }
        return text
    }
}
