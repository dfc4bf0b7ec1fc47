// SPDX-License-Identifier: Apache-2.0

public import Bytes

/// Reads the packets of an RTCP datagram that was decrypted already, compound or of reduced size (RFC 5506).
public struct RTCPDecoder: Sendable {
    private var rest: ByteReader

    /// Starts at the first packet.
    public init(_ datagram: ByteSlice) { rest = ByteReader(datagram) }

    /// The next packet, or nil at the end. After a failure the rest is not to be read.
    /// - Throws: `.truncated`, `.version`, `.padding`, `.report`.
    public mutating func next() throws(RTPFailure) -> RTCPPacket? {
        guard !rest.isEmpty else { return nil }
        let (first, type): (UInt8, UInt8)
        var body: ByteReader
        do throws(Truncated) {
            (first, type) = (try rest.uint8(), try rest.uint8())
            body = ByteReader(try rest.bytes(Int(try rest.uint16()) * 4))
        } catch { throw .truncated }
        guard first >> 6 == 2 else { throw .version(first >> 6) }
        if first & 0x20 != 0 { body = try Self.withoutPadding(body) }
        do throws(Truncated) {
            guard let packet = try Self.packet(type, first & 31, &body) else { throw Truncated() }
            return packet
        } catch { throw .report(type) }
    }

    private static func withoutPadding(_ body: ByteReader) throws(RTPFailure) -> ByteReader {
        guard let length = body.rest.last, length > 0, Int(length) <= body.count else {
            throw .padding(body.rest.last ?? 0)
        }
        return ByteReader(body.rest.dropLast(Int(length)))
    }

    /// nil for a packet that contradicts itself.
    private static func packet(
        _ type: UInt8, _ count: UInt8, _ body: inout ByteReader
    ) throws(Truncated) -> RTCPPacket? {
        switch type {
        case RTCPType.senderReport: return .senderReport(try senderReport(count, &body))
        case RTCPType.receiverReport:
            return .receiverReport(ReceiverReport(source: try body.uint32(), reports: try reports(count, &body)))
        case RTCPType.sourceDescription: return .sourceDescription(try sourceDescription(count, &body))
        case RTCPType.goodbye:
            var sources: [UInt32] = []
            for _ in 0..<count { sources.append(try body.uint32()) }
            return .goodbye(Goodbye(sources: sources))
        case RTCPType.transportLayer: return try transportLayer(count, &body)
        case RTCPType.payloadSpecific: return try payloadSpecific(count, &body)
        default: return .other(type)
        }
    }

    private static func senderReport(_ count: UInt8, _ body: inout ByteReader) throws(Truncated) -> SenderReport {
        SenderReport(
            source: try body.uint32(), time: NTPTime(bits: try body.uint64()), timestamp: try body.uint32(),
            packets: try body.uint32(), octets: try body.uint32(), reports: try reports(count, &body))
    }

    private static func reports(_ count: UInt8, _ body: inout ByteReader) throws(Truncated) -> [ReceptionReport] {
        var reports: [ReceptionReport] = []
        for _ in 0..<count {
            reports.append(
                ReceptionReport(
                    source: try body.uint32(), fractionLost: try body.uint8(), lost: try body.int24(),
                    highestSequence: try body.uint32(), jitter: try body.uint32(), lastReport: try body.uint32(),
                    sinceLastReport: try body.uint32()))
        }
        return reports
    }

    private static func sourceDescription(
        _ count: UInt8, _ body: inout ByteReader
    ) throws(Truncated) -> SourceDescription {
        var names: [SourceDescription.Name] = []
        for _ in 0..<count {
            let (before, source) = (body.count, try body.uint32())
            var name: ByteSlice = []
            while true {
                let kind = try body.uint8()
                guard kind != 0 else { break }
                let text = try body.bytes(Int(try body.uint8()))
                if kind == RTCPType.canonicalName { name = text }
            }
            // The chunk ends with the 32-bit word that its last item ends in.
            while !(before - body.count).isMultiple(of: 4) { _ = try body.uint8() }
            names.append(.init(source: source, canonicalName: name))
        }
        return SourceDescription(names: names)
    }

    private static func transportLayer(_ format: UInt8, _ body: inout ByteReader) throws(Truncated) -> RTCPPacket? {
        let (sender, media) = (try body.uint32(), try body.uint32())
        switch format {
        case RTCPType.nack:
            let missing = try NegativeAcknowledgement.readEntries(&body)
            return .nack(NegativeAcknowledgement(sender: sender, media: media, missing: missing))
        case RTCPType.transportFeedback:
            return try TransportFeedback.read(&body, sender: sender, media: media).map(RTCPPacket.transportFeedback)
        default: return .other(RTCPType.transportLayer)
        }
    }

    private static func payloadSpecific(_ format: UInt8, _ body: inout ByteReader) throws(Truncated) -> RTCPPacket? {
        let (sender, media) = (try body.uint32(), try body.uint32())
        switch format {
        case RTCPType.pictureLoss: return .pictureLoss(sender: sender, media: media)
        case RTCPType.fullIntraRequest:
            var entries: [FullIntraRequest.Entry] = []
            while !body.isEmpty {
                entries.append(.init(media: try body.uint32(), number: try body.uint8()))
                _ = try body.bytes(3)
            }
            return .fullIntraRequest(FullIntraRequest(sender: sender, entries: entries))
        case RTCPType.applicationLayer:
            let estimate = try ReceiverEstimate.read(&body, sender: sender)
            return estimate.map(RTCPPacket.receiverEstimate) ?? .other(RTCPType.payloadSpecific)
        default: return .other(RTCPType.payloadSpecific)
        }
    }
}

/// Packet types and formats: RFC 3550 §12.1, RFC 4585 §6.
enum RTCPType {
    static let senderReport: UInt8 = 200
    static let receiverReport: UInt8 = 201
    static let sourceDescription: UInt8 = 202
    static let goodbye: UInt8 = 203
    static let transportLayer: UInt8 = 205
    static let payloadSpecific: UInt8 = 206

    static let canonicalName: UInt8 = 1
    static let nack: UInt8 = 1
    static let transportFeedback: UInt8 = 15
    static let pictureLoss: UInt8 = 1
    static let fullIntraRequest: UInt8 = 4
    static let applicationLayer: UInt8 = 15
}
