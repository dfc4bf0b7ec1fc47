// SPDX-License-Identifier: Apache-2.0

public import Bytes

/// One packet of Opus, RFC 6716 §3.
public enum OpusPacket {
    /// How many samples at 48 kHz the packet decodes to, 120 to 5760; nil where its table of contents is not valid.
    public static func sampleCount(of packet: ByteSlice) -> UInt32? {
        guard let toc = packet.first else { return nil }
        let frames: UInt32
        switch toc & 3 {
        case 0: frames = 1
        case 1, 2: frames = 2
        default:
            guard packet.count >= 2 else { return nil }
            frames = UInt32(packet[packet.startIndex + 1] & 63)
        }
        let samples = frames * frameLengths[Int(toc >> 3)]
        return (120...5760).contains(samples) ? samples : nil
    }

    /// Table 2 of RFC 6716 by configuration number, in samples at 48 kHz.
    private static let frameLengths: [UInt32] = {
        let silk: [UInt32] = [480, 960, 1920, 2880]
        let hybrid: [UInt32] = [480, 960]
        let celt: [UInt32] = [120, 240, 480, 960]
        return silk + silk + silk + hybrid + hybrid + celt + celt + celt + celt
    }()
}
