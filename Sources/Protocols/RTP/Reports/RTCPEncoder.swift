// SPDX-License-Identifier: Apache-2.0

import Bytes

/// Writes RTCP packets, one behind the other, into the datagram of a compound.
public enum RTCPEncoder {
    /// Appends one packet. `.other` has no bytes and must not be given.
    public static func append(_ packet: RTCPPacket, to bytes: inout [UInt8]) {
        switch packet {
        case .senderReport(let report): append(report, to: &bytes)
        case .receiverReport(let report):
            append(RTCPType.receiverReport, report.reports.count, to: &bytes) { bytes in
                bytes.append(bigEndian: report.source)
                append(report.reports, to: &bytes)
            }
        case .sourceDescription(let description): append(description, to: &bytes)
        case .goodbye(let goodbye):
            append(RTCPType.goodbye, goodbye.sources.count, to: &bytes) { bytes in
                for source in goodbye.sources { bytes.append(bigEndian: source) }
            }
        case .nack, .transportFeedback: appendTransportLayer(packet, to: &bytes)
        case .fullIntraRequest, .pictureLoss, .receiverEstimate: appendPayloadSpecific(packet, to: &bytes)
        case .other(let type): preconditionFailure("RTCP of type \(type) can not be written")
        }
    }

    private static func append(_ report: SenderReport, to bytes: inout [UInt8]) {
        append(RTCPType.senderReport, report.reports.count, to: &bytes) { bytes in
            bytes.append(bigEndian: report.source)
            bytes.append(bigEndian: report.time.bits)
            bytes.append(bigEndian: report.timestamp)
            bytes.append(bigEndian: report.packets)
            bytes.append(bigEndian: report.octets)
            append(report.reports, to: &bytes)
        }
    }

    private static func append(_ reports: [ReceptionReport], to bytes: inout [UInt8]) {
        for report in reports {
            bytes.append(bigEndian: report.source)
            bytes.append(report.fractionLost)
            bytes.append(bigEndian24: UInt32(bitPattern: report.lost))
            bytes.append(bigEndian: report.highestSequence)
            bytes.append(bigEndian: report.jitter)
            bytes.append(bigEndian: report.lastReport)
            bytes.append(bigEndian: report.sinceLastReport)
        }
    }

    private static func append(_ description: SourceDescription, to bytes: inout [UInt8]) {
        append(RTCPType.sourceDescription, description.names.count, to: &bytes) { bytes in
            for name in description.names {
                let start = bytes.count
                bytes.append(bigEndian: name.source)
                if !name.canonicalName.isEmpty {
                    precondition(name.canonicalName.count < 256, "a name of \(name.canonicalName.count) bytes")
                    bytes.append(RTCPType.canonicalName)
                    bytes.append(UInt8(name.canonicalName.count))
                    bytes.append(contentsOf: name.canonicalName)
                }
                repeat { bytes.append(0) } while !(bytes.count - start).isMultiple(of: 4)
            }
        }
    }

    private static func appendTransportLayer(_ packet: RTCPPacket, to bytes: inout [UInt8]) {
        if case .nack(let nack) = packet {
            append(RTCPType.transportLayer, Int(RTCPType.nack), to: &bytes) { bytes in
                bytes.append(bigEndian: nack.sender)
                bytes.append(bigEndian: nack.media)
                nack.appendEntries(to: &bytes)
            }
        } else if case .transportFeedback(let feedback) = packet {
            append(RTCPType.transportLayer, Int(RTCPType.transportFeedback), to: &bytes) { bytes in
                bytes.append(bigEndian: feedback.sender)
                bytes.append(bigEndian: feedback.media)
                feedback.appendBody(to: &bytes)
            }
        }
    }

    private static func appendPayloadSpecific(_ packet: RTCPPacket, to bytes: inout [UInt8]) {
        if case .pictureLoss(let sender, let media) = packet {
            append(RTCPType.payloadSpecific, Int(RTCPType.pictureLoss), to: &bytes) { bytes in
                bytes.append(bigEndian: sender)
                bytes.append(bigEndian: media)
            }
        } else if case .fullIntraRequest(let request) = packet {
            append(RTCPType.payloadSpecific, Int(RTCPType.fullIntraRequest), to: &bytes) { bytes in
                bytes.append(bigEndian: request.sender)
                bytes.append(bigEndian: UInt32(0))
                for entry in request.entries {
                    bytes.append(bigEndian: entry.media)
                    bytes.append(bigEndian: UInt32(entry.number) << 24)
                }
            }
        } else if case .receiverEstimate(let estimate) = packet {
            append(RTCPType.payloadSpecific, Int(RTCPType.applicationLayer), to: &bytes) { bytes in
                bytes.append(bigEndian: estimate.sender)
                bytes.append(bigEndian: UInt32(0))
                estimate.appendBody(to: &bytes)
            }
        }
    }

    /// A head whose length is that of what `body` appends, padded to a 32-bit word where it must be (RFC 3550 §6.4.1).
    private static func append(
        _ type: UInt8, _ count: Int, to bytes: inout [UInt8], _ body: (inout [UInt8]) -> Void
    ) {
        precondition(count <= 31, "\(count) items in RTCP of type \(type)")
        let start = bytes.count
        bytes.append(0x80 | UInt8(count))
        bytes.append(type)
        bytes.append(bigEndian: UInt16(0))
        body(&bytes)
        let padding = (4 - (bytes.count - start) % 4) % 4
        if padding > 0 {
            bytes[start] |= 0x20
            for left in (1...padding).reversed() { bytes.append(left == 1 ? UInt8(padding) : 0) }
        }
        let words = (bytes.count - start) / 4 - 1
        bytes[start + 2] = UInt8(truncatingIfNeeded: words >> 8)
        bytes[start + 3] = UInt8(truncatingIfNeeded: words)
    }
}
