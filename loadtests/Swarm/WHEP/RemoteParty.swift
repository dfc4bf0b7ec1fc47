// SPDX-License-Identifier: Apache-2.0

public import Cluster
import Media
public import RTP
public import SecureMedia
public import WebRTC

/// What a server's description tells a viewer: where it is, who it is, and what will come.
public struct RemoteParty: Hashable, Sendable {
    /// What signs our checks.
    public let credentials: ICECredentials
    /// Who it is in DTLS.
    public let fingerprint: CertificateFingerprint
    /// Where it may be reached by UDP, its favourites first; never empty.
    public let endpoints: [Endpoint]
    /// Our role in DTLS.
    public let role: DTLSRole
    /// The media, in the order of the description.
    public let media: [ReceiveMedia]
    /// The tracks of them that a viewer reads.
    public let tracks: [ReceiveTrack]

    /// Reads an offer or an answer.
    /// - Parameter setup: what our own description says.
    /// - Throws: `.description` where something is missing.
    public init(_ description: SessionDescription, setup: DTLSSetup) throws(PlayFault) {
        let media = description.media.filter { !$0.isRefused && $0.kind != .other }
        let hash = media.lazy.flatMap(\.fingerprints).first { $0.algorithm == .sha256 }
        let candidates = media.flatMap(\.candidates).filter { $0.transport == .udp }
        guard let credentials = media.lazy.compactMap(\.credentials).first,
            let fingerprint = hash.flatMap({ CertificateFingerprint(bytes: $0.bytes) }), !candidates.isEmpty
        else { throw .description }
        self.credentials = credentials
        self.fingerprint = fingerprint
        var known: Set<Endpoint> = []
        endpoints = candidates.sorted { $0.priority > $1.priority }.map(\.endpoint).filter { known.insert($0).inserted }
        role = Self.role(media.lazy.compactMap(\.setup).first, setup)
        self.media = media.map(ReceiveMedia.init)
        tracks = media.enumerated().compactMap { ReceiveTrack($1, media: $0) }
        guard !tracks.isEmpty else { throw .description }
    }

    private static func role(_ theirs: DTLSSetup?, _ ours: DTLSSetup) -> DTLSRole {
        switch theirs {
        case .active: .passive
        case .passive: .active
        case .either, nil: ours == .passive ? .passive : .active
        }
    }
}

extension PayloadFormat {
    /// The codec, of those that become access units.
    var codec: RTPCodec? {
        let name = encoding.lowercased()
        return RTPCodec.allCases.first { $0.encodingName.lowercased() == name }
    }

    /// Whether it is the stream of another's repairs.
    var isRepair: Bool { encoding.lowercased() == "rtx" }
}

extension ReceiveMedia {
    fileprivate init(_ medium: MediaDescription) {
        var formats: [UInt8: ReceiveFormat] = [:]
        for format in medium.formats {
            if let codec = format.codec {
                formats[format.payloadType] = .codec(codec)
            } else if format.isRepair, let type = format.parameter("apt").flatMap({ UInt8($0) }) {
                formats[format.payloadType] = .retransmission(of: type)
            } else {
                formats[format.payloadType] = .ignored
            }
        }
        self.init(mid: medium.mid ?? "", formats: formats)
        let group = medium.sourceGroups.first { $0.semantics == .flowIdentification && $0.sources.count == 2 }
        if let group {
            sources = [SignalledSource(media: group.sources[0], repair: group.sources[1])]
        } else if let source = medium.sources.first {
            sources = [SignalledSource(media: source.ssrc)]
        }
        for format in medium.formats where format.codec != nil {
            if format.feedback.contains(.nack) { feedback.insert(.nack) }
            if format.feedback.contains(.pictureLoss) { feedback.insert(.pictureLoss) }
        }
    }
}

extension ReceiveTrack {
    fileprivate init?(_ medium: MediaDescription, media index: Int) {
        guard let codec = medium.formats.lazy.compactMap(\.codec).first?.media,
            codec.isVideo == (medium.kind == .video)
        else { return nil }
        self.init(id: codec.isVideo ? .video : .audio, source: ReceiveSource(media: index), codec: codec)
    }
}
