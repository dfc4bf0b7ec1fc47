// SPDX-License-Identifier: Apache-2.0

import Bytes

/// How one track was negotiated with one viewer. Plain bytes.
public struct SendFormat: Sendable {
    /// What the payloads hold.
    public let codec: RTPCodec
    /// The SSRC.
    public let source: UInt32
    /// The payload type.
    public let payloadType: UInt8
    /// The stream of retransmissions; nil where none was negotiated.
    public let repair: Repair?
    /// The numbers of the extensions that are written; those that we never write are nil.
    public let extensions: ExtensionMap
    private var mid: [16 of UInt8] = .init(repeating: 0)
    private var midLength: UInt8 = 0

    /// Where packets are sent again, RFC 4588.
    public struct Repair: Hashable, Sendable {
        /// The SSRC.
        public let source: UInt32
        /// The payload type whose `apt` is that of the track.
        public let payloadType: UInt8

        /// A stream of its parts.
        public init(source: UInt32, payloadType: UInt8) {
            self.source = source
            self.payloadType = payloadType
        }
    }

    /// A format of its parts. Extensions with numbers above 14 and tags above 16 bytes are left out: all browsers choose
    /// shorter ones. Without `repair` only the m-line's tag is written, as `SendTrack` tells.
    public init(
        _ codec: RTPCodec, source: UInt32, payloadType: UInt8, repair: Repair?, mid tag: String = "",
        extensions: ExtensionMap
    ) {
        self.codec = codec
        self.source = source
        self.payloadType = payloadType
        self.repair = repair
        func short(_ id: UInt8?) -> UInt8? { id.flatMap { $0 < 15 ? $0 : nil } }
        var written = ExtensionMap()
        if tag.utf8.count <= 16, !tag.isEmpty { written.mid = short(extensions.mid) }
        if repair != nil {
            written.absoluteSendTime = short(extensions.absoluteSendTime)
            written.playoutDelay = short(extensions.playoutDelay)
            written.transportSequence = short(extensions.transportSequence)
        }
        self.extensions = written
        guard written.mid != nil else { return }
        for (index, byte) in tag.utf8.enumerated() { mid[index] = byte }
        midLength = UInt8(tag.utf8.count)
    }

    /// Appends a header with the extensions.
    func appendHeader(
        _ header: RTPHeader, playoutDelay: PlayoutDelay?, isNumbered: Bool, transport: inout UInt16, now: Duration,
        to bytes: inout [UInt8]
    ) {
        let delay = extensions.playoutDelay == nil ? nil : playoutDelay
        let transportSequence = isNumbered ? extensions.transportSequence : nil
        let hasExtensions =
            extensions.mid != nil || extensions.absoluteSendTime != nil || transportSequence != nil || delay != nil
        header.append(to: &bytes, hasExtensions: hasExtensions)
        guard hasExtensions else { return }
        let block = ExtensionBlockWriter(in: &bytes)
        if let id = transportSequence {
            block.begin(id, length: 2, in: &bytes)
            bytes.append(bigEndian: transport)
            transport &+= 1
        }
        if let id = extensions.absoluteSendTime {
            block.begin(id, length: 3, in: &bytes)
            AbsoluteSendTime(now).append(to: &bytes)
        }
        if let id = extensions.mid {
            block.begin(id, length: Int(midLength), in: &bytes)
            for index in 0..<Int(midLength) { bytes.append(mid[index]) }
        }
        if let id = extensions.playoutDelay, let delay {
            block.begin(id, length: 3, in: &bytes)
            delay.append(to: &bytes)
        }
        block.finish(in: &bytes)
    }
}
