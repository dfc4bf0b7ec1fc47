// SPDX-License-Identifier: Apache-2.0

public import Media

/// What a peer did that ends its connection, with the offending value; nothing in it is text that the peer sent.
public enum RTMPFailure: Error, Hashable, Sendable {
    /// The first bytes belong to another protocol.
    case foreignProtocol(ForeignProtocol)
    /// A handshake version other than 3.
    case version(UInt8)
    /// Set Chunk Size of 0 or of 2^31 and more.
    case chunkSize(UInt32)
    /// A chunk whose header builds on one that never came, or that begins a message inside another.
    case chunkFormat(UInt8, chunkStream: UInt32)
    /// One chunk stream too many; carries the limit.
    case chunkStreams(Int)
    /// Unfinished messages hold too much; carries what they would hold, in bytes.
    case partialMessages(Int)
    /// A message longer than its type may be; carries the length claimed.
    case messageLength(Int, type: MessageType)
    /// A message that is cut short or contradicts itself.
    case malformedMessage(MessageType)
    /// A command that is no valid AMF.
    case malformedAMF(AMFFailure)
    /// One command too many; carries the limit.
    case commands(Int)
    /// The peer asks and does not read the answers; carries how many bytes of them wait beyond the high-water mark.
    case unreadAnswers(Int)
    /// A codec that we do not carry: FLV's number, or a FourCC.
    case unsupportedCodec(UInt32, isVideo: Bool)
    /// Media without any codec configuration, so that nothing can be made of it.
    case noParameters
    /// A codec configuration that was not understood.
    case parameters(MediaFailure)

    /// A protocol that is often sent to RTMP's port by mistake.
    public enum ForeignProtocol: String, Hashable, Sendable {
        /// HTTP, or RTMP tunnelled in it.
        case http
        /// The PROXY protocol of load balancers, version 1 or 2.
        case proxy
        /// TLS; RTMPS has a port of its own.
        case tls
    }

    /// A stable label to count the failure under.
    public var counterName: String {
        switch self {
        case .foreignProtocol(let other): "foreign_protocol_\(other.rawValue)"
        case .version: "version"
        case .chunkSize: "chunk_size"
        case .chunkFormat: "chunk_format"
        case .chunkStreams: "chunk_streams"
        case .partialMessages: "partial_messages"
        case .messageLength: "message_length"
        case .malformedMessage: "malformed_message"
        case .malformedAMF: "malformed_amf"
        case .commands: "commands"
        case .unreadAnswers: "unread_answers"
        case .unsupportedCodec: "unsupported_codec"
        case .parameters: "parameters"
        case .noParameters: "no_parameters"
        }
    }

    /// What the person at the encoder is told of media that can not be carried.
    public var mediaFault: String {
        switch self {
        case .unsupportedCodec(let code, let isVideo):
            "The \(isVideo ? "video" : "audio") codec \(Self.codecName(code, isVideo)) is not carried."
        case .parameters(let failure): "The codec configuration can not be used: \(failure)."
        case .noParameters: "No codec configuration came."
        default: counterName
        }
    }

    /// A codec's name: by FLV 10.1 §E.4.2.1 and §E.4.3.1 for a number, its letters for a FourCC.
    private static func codecName(_ code: UInt32, _ isVideo: Bool) -> String {
        if code < 16 { return (isVideo ? videoNames : audioNames)[code] ?? "number \(code)" }
        let letters = [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: code >> $0) }
        let areLetters = letters.allSatisfy {
            (0x30...0x39).contains($0) || (0x41...0x5A).contains($0 & 0xDF) || [0x20, 0x2D, 0x2E].contains($0)
        }
        return areLetters ? String(decoding: letters, as: UTF8.self) : "number \(code)"
    }

    private static let videoNames: [UInt32: String] = [
        2: "Sorenson H.263", 3: "Screen video", 4: "VP6", 5: "VP6 with alpha",
    ]
    private static let audioNames: [UInt32: String] = [
        0: "PCM", 1: "ADPCM", 2: "MP3", 3: "PCM", 4: "Nellymoser", 5: "Nellymoser", 6: "Nellymoser", 7: "G.711 A-law",
        8: "G.711 mu-law", 11: "Speex", 14: "MP3",
    ]
}
