// SPDX-License-Identifier: Apache-2.0

import Bytes
import Fanout
import Media
public import RTP
import Signing
public import WebRTC

/// What a session description says of plain RTP that is to become a stream: at most one track of video and one of audio,
/// each with the source of its packets.
public struct StreamOffer: Sendable {
    /// The media, in the order of the description.
    public let lines: [Line]

    /// One medium.
    public struct Line: Sendable {
        /// What its packets hold.
        public let codec: RTPCodec
        /// Whose packets they are.
        public let ssrc: UInt32
        let media: ReceiveMedia
        let parameterSets: ByteSlice

        var mediaType: MediaType { codec.isVideo ? .video : .audio }
    }

    /// Reads a description.
    /// - Parameter sources: the source of each medium in turn, for descriptions without `a=ssrc`, as ffmpeg's are.
    public init(_ description: SessionDescription, sources: [UInt32]) throws(StreamOfferFailure) {
        var lines: [Line] = []
        for (index, medium) in description.media.enumerated() where !medium.isRefused {
            let line = try Self.line(medium, index, sources)
            guard !lines.contains(where: { $0.mediaType == line.mediaType }) else { throw .second(medium.kind) }
            guard !lines.contains(where: { $0.ssrc == line.ssrc }) else { throw .sourceTwice(line.ssrc) }
            lines.append(line)
        }
        guard !lines.isEmpty else { throw .noMedia }
        self.lines = lines
    }

    /// How the packets are read. Nobody is asked to send any again.
    var settings: ReceiveSettings {
        // Of three numbers one is that of neither source: what we say must not seem to be said by them.
        let ours = (1...3 as ClosedRange<UInt32>).first { number in !lines.contains { $0.ssrc == number } }
        var settings = ReceiveSettings(media: lines.map(\.media), source: ours ?? 1)
        settings.reorder = .withoutRequests
        return settings
    }

    /// The tracks of the stream.
    var tracks: [ReceiveTrack] {
        lines.enumerated().map { index, line in
            ReceiveTrack(
                id: line.codec.isVideo ? .video : .audio, source: ReceiveSource(media: index), codec: line.codec.media,
                parameterSets: line.parameterSets)
        }
    }

    private static func line(
        _ medium: MediaDescription, _ index: Int, _ sources: [UInt32]
    ) throws(StreamOfferFailure) -> Line {
        let found = medium.formats.lazy.compactMap { format in codec(format).map { (format, $0) } }.first
        guard let (format, codec) = found, codec.isVideo == (medium.kind == .video) else {
            throw .codec(medium.kind, medium.formats.map(\.encoding))
        }
        let signalled = index < sources.count ? sources[index] : medium.sources.first?.ssrc
        guard let ssrc = signalled else { throw .noSource(medium.kind, index) }
        var media = ReceiveMedia(mid: medium.mid ?? "", formats: [format.payloadType: .codec(codec)])
        media.sources = [ReceiveMedia.SignalledSource(media: ssrc)]
        // Only what the sender says that it hears (RFC 4585 §4.2): most sources of plain RTP hear nothing. And only where it
        // says that it takes RTCP at the port that its packets come from (RFC 5761 §5.1.1): no other is known to be its.
        if medium.multiplexesRTCP {
            if format.feedback.contains(.pictureLoss) { media.feedback.insert(.pictureLoss) }
            if format.feedback.contains(.fullIntraRequest) { media.feedback.insert(.fullIntraRequest) }
        }
        return Line(codec: codec, ssrc: ssrc, media: media, parameterSets: try parameterSets(format, medium.kind))
    }

    private static func codec(_ format: PayloadFormat) -> RTPCodec? {
        let name = format.encoding.lowercased()
        return RTPCodec.allCases.first { $0.encodingName.lowercased() == name }
    }

    /// RFC 6184 §8.1 and RFC 7798 §7.1: NAL units in base64, between commas.
    private static func parameterSets(
        _ format: PayloadFormat, _ kind: MediaKind
    ) throws(StreamOfferFailure) -> ByteSlice {
        var sets: [UInt8] = []
        for name in ["sprop-vps", "sprop-sps", "sprop-pps", "sprop-parameter-sets"] {
            for text in format.parameter(name)?.split(separator: ",") ?? [] {
                guard let unit = Base64.standard.bytes(text), !unit.isEmpty else { throw .parameterSets(kind, name) }
                sets.append(nalUnit: unit[...])
            }
        }
        return sets[...]
    }
}

/// Why a description is of no stream. Prints as a sentence for who sent it.
public enum StreamOfferFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// None of the formats of a medium can become a stream.
    case codec(MediaKind, [String])
    /// There is no medium.
    case noMedia
    /// A medium whose source nobody names; with its place, from 0.
    case noSource(MediaKind, Int)
    /// Parameter sets that are not base64.
    case parameterSets(MediaKind, String)
    /// A second medium of a kind.
    case second(MediaKind)
    /// Two media of one source.
    case sourceTwice(UInt32)

    /// A sentence.
    public var description: String {
        switch self {
        case .codec(let kind, let names):
            "of m=\(kind.rawValue) with \(names.isEmpty ? "no format" : names.joined(separator: ", ")) no stream can be "
                + "made: H264, H265, AV1 and opus can be taken"
        case .noMedia: "there is no m= line"
        case .noSource(let kind, let index):
            "m=\(kind.rawValue) names no source: an a=ssrc line with a cname, or number \(index + 1) in the query's ssrc"
        case .parameterSets(let kind, let name): "\(name) of m=\(kind.rawValue) is not base64"
        case .second(let kind): "there is a second m=\(kind.rawValue)"
        case .sourceTwice(let ssrc): "the source \(ssrc) is named twice"
        }
    }
}
