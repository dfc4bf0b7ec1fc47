// SPDX-License-Identifier: Apache-2.0

import Bytes
import Media

/// Makes samples of a publisher's audio: raw AAC blocks without ADTS, Opus packets as they are.
struct AudioTrackDecoder {
    /// What packets are decoded with; nil until it is known.
    private(set) var parameters: AudioParameters?
    private var record: ByteSlice?

    /// Takes a configuration. The same again, as some encoders send it at any time, changes nothing.
    mutating func configure(_ packet: MediaPacket) throws(TagFailure) {
        guard packet.body != record || packet.codec != parameters?.codec else { return }
        do throws(MediaFailure) {
            parameters =
                packet.codec == .opus
                ? try AudioParameters(opusHead: packet.body) : try AudioParameters(audioSpecificConfig: packet.body)
            record = packet.body
        } catch {
            throw .fatal(.parameters(error))
        }
    }

    /// The packet as a sample.
    func sample(_ packet: MediaPacket) -> ByteSlice {
        packet.codec == .aac ? Self.withoutADTS(packet.body) : packet.body
    }

    /// Drops an ADTS header (ISO/IEC 13818-7 §6.2), which some encoders leave before a raw block. No raw block begins
    /// with its twelve set bits; the length must be right too.
    private static func withoutADTS(_ body: ByteSlice) -> ByteSlice {
        let head = Array(body.prefix(7))
        guard head.count == 7, head[0] == 0xFF, head[1] & 0xF6 == 0xF0 else { return body }
        let length = Int(head[3] & 3) << 11 | Int(head[4]) << 3 | Int(head[5] >> 5)
        let header = head[1] & 1 == 1 ? 7 : 9
        guard length == body.count, length > header else { return body }
        return body.dropFirst(header)
    }
}
