// SPDX-License-Identifier: Apache-2.0

public import Bytes

/// Which numbers were negotiated for the header extensions that we read or write; nil where one was not.
public struct ExtensionMap: Hashable, Sendable {
    /// When the packet left its sender, for receivers that estimate the bandwidth themselves.
    public var absoluteSendTime: UInt8?
    /// Which m-line the packet belongs to, RFC 9143 §15.
    public var mid: UInt8?
    /// How long the receiver should hold pictures back.
    public var playoutDelay: UInt8?
    /// Which layer a retransmission belongs to, RFC 8852 §4.2.
    public var repairedRID: UInt8?
    /// Which layer the packet belongs to, RFC 8852 §4.1.
    public var rid: UInt8?
    /// The packet's number among all of its transport's.
    public var transportSequence: UInt8?

    /// Nothing negotiated.
    public init() {}

    /// Takes what an `a=extmap` line says; a URI that is not ours, or a number that is none, changes nothing.
    public mutating func set(uri: some StringProtocol, id: UInt8) {
        guard (1...255).contains(id), let path = Self.path(uri) else { return }
        self[keyPath: path] = id
    }

    /// Whether we know what to do with a URI.
    public static func knows(uri: some StringProtocol) -> Bool { path(uri) != nil }

    private static func path(_ uri: some StringProtocol) -> WritableKeyPath<ExtensionMap, UInt8?>? {
        switch String(uri) {
        case "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time": \.absoluteSendTime
        case "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01": \.transportSequence
        case "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay": \.playoutDelay
        case "urn:ietf:params:rtp-hdrext:sdes:mid": \.mid
        case "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id": \.repairedRID
        case "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id": \.rid
        default: nil
        }
    }
}

/// What a packet's header extensions say.
public struct ExtensionValues: Hashable, Sendable {
    /// When the packet left its sender.
    public private(set) var absoluteSendTime: AbsoluteSendTime?
    /// The m-line, as text.
    public private(set) var mid: ByteSlice?
    /// How long the receiver should hold pictures back.
    public private(set) var playoutDelay: PlayoutDelay?
    /// The layer that a retransmission belongs to, as text.
    public private(set) var repairedRID: ByteSlice?
    /// The layer, as text.
    public private(set) var rid: ByteSlice?
    /// The packet's number among all of its transport's.
    public private(set) var transportSequence: UInt16?

    /// Reads the elements that were negotiated. One of a wrong length counts as missing.
    public init(_ extensions: HeaderExtensions, _ map: ExtensionMap) {
        for (id, value) in extensions {
            switch id {
            case map.absoluteSendTime: absoluteSendTime = Self.integer(value, 3).map(AbsoluteSendTime.init(ticks:))
            case map.mid: mid = value
            case map.playoutDelay: playoutDelay = Self.integer(value, 3).map(PlayoutDelay.init(wire:))
            case map.repairedRID: repairedRID = value
            case map.rid: rid = value
            case map.transportSequence:
                transportSequence = Self.integer(value, 2).map(UInt16.init(truncatingIfNeeded:))
            default: continue
            }
        }
    }

    private static func integer(_ value: ByteSlice, _ length: Int) -> UInt32? {
        guard value.count == length else { return nil }
        return value.reduce(0) { $0 << 8 | UInt32($1) }
    }
}
