// SPDX-License-Identifier: Apache-2.0

public import Identity
public import Media

// The bodies of the API's answers. What each field means stands in Resources/openapi.json, and a test holds the two
// together: a field that is missing here or there fails it.

/// One stream as this node knows it.
public struct StreamStatus: Encodable, Sendable {
    /// Which stream.
    public let id: StreamID
    /// What it is doing.
    public let state: StreamPhase
    /// When it began, and how long that is ago.
    public let startedAt: WallTime
    /// Seconds since the stream began.
    public let age: Duration
    /// Since the present publisher came; nil while it is away.
    public let publisherAge: Duration?
    /// Whether a player gets a playlist.
    public let isPlayable: Bool
    /// Viewer sessions.
    public let viewers: Int
    /// The tracks of the newest segment.
    public let tracks: [Track]
    /// What the publisher said of itself.
    public let metadata: [String: String]
    /// The gateway's term.
    public let term: Term
    /// What the multivariant playlist lists.
    public let renditions: [RenditionStatus]

    /// A status of its parts.
    public init(
        id: StreamID, state: StreamPhase, startedAt: WallTime, age: Duration, publisherAge: Duration?,
        isPlayable: Bool, viewers: Int, tracks: [Track], metadata: [String: String], term: Term,
        renditions: [RenditionStatus]
    ) {
        self.id = id
        self.state = state
        self.startedAt = startedAt
        self.age = age
        self.publisherAge = publisherAge
        self.isPlayable = isPlayable
        self.viewers = viewers
        self.tracks = tracks
        self.metadata = metadata
        self.term = term
        self.renditions = renditions
    }

    enum CodingKeys: String, CodingKey, CaseIterable {
        case id, streamKey, app, name, state, active
        case publisherLive = "publisher_live"
        case mediaReady = "media_ready"
        case viewers, startedAt, duration, uptimeSeconds, videoCodec, audioCodec, codecs, resolution, width, height
        case frameRate, bitrate, metadata, term, playback, renditions
    }

    /// Writes the document's `Stream`, absent values as null.
    public func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: CodingKeys.self)
        try fields.encode(id.description, forKey: .id)
        try fields.encode(id.apiKey, forKey: .streamKey)
        try fields.encode(id.app, forKey: .app)
        try fields.encode(id.name, forKey: .name)
        try fields.encode(state, forKey: .state)
        try fields.encode(state == .live, forKey: .active)
        try fields.encode(publisherAge != nil, forKey: .publisherLive)
        try fields.encode(isPlayable, forKey: .mediaReady)
        try fields.encode(viewers, forKey: .viewers)
        try fields.encode(startedAt.description, forKey: .startedAt)
        try fields.encode(age.seconds, forKey: .duration)
        try fields.encode(publisherAge?.seconds ?? 0, forKey: .uptimeSeconds)
        try encodeMedia(into: &fields)
        try fields.encode(metadata, forKey: .metadata)
        try fields.encode(term.description, forKey: .term)
        try fields.encode(Playback(id), forKey: .playback)
        try fields.encode(renditions, forKey: .renditions)
    }

    private func encodeMedia(into fields: inout KeyedEncodingContainer<CodingKeys>) throws {
        // Of several layers the largest.
        let video = tracks.compactMap { track -> VideoParameters? in
            if case .video(let video) = track.parameters { video } else { nil }
        }.max { ($0.width, $0.height) < ($1.width, $1.height) }
        let audio = tracks.first { !$0.codec.isVideo }
        let shown = tracks.filter { track in
            if case .video(let own) = track.parameters { own == video } else { true }
        }
        let codecs = shown.map(\.parameters.codecString).joined(separator: ",")
        try fields.encode(video?.codec.apiName, forKey: .videoCodec)
        try fields.encode(audio?.codec.apiName, forKey: .audioCodec)
        try fields.encode(tracks.isEmpty ? nil : codecs, forKey: .codecs)
        try fields.encode(video.map { "\($0.width)x\($0.height)" }, forKey: .resolution)
        try fields.encode(video?.width, forKey: .width)
        try fields.encode(video?.height, forKey: .height)
        try fields.encode(renditions.compactMap(\.frameRate).first, forKey: .frameRate)
        try fields.encode(renditions.reduce(0) { $0 + $1.averageBandwidth }, forKey: .bitrate)
    }
}

/// What a stream is doing.
public enum StreamPhase: String, Encodable, Sendable {
    case connecting
    case idle
    case live
    case stopped
    case stopping
}

/// One rendition.
public struct RenditionStatus: Encodable, Sendable {
    let name: String
    let playlist: String
    let bandwidth: Int
    let averageBandwidth: Int
    let codecs: String
    let width: UInt32?
    let height: UInt32?
    let frameRate: Double?

    /// A rendition of `stream` with its measured figures: bits a second, pictures a second.
    public init(
        _ name: RenditionName, of stream: StreamID, bandwidth: Int, averageBandwidth: Int, codecs: String,
        size: (width: UInt32, height: UInt32)?, frameRate: Double?
    ) {
        self.name = name.description
        playlist = "/\(stream)/\(name)/media.m3u8"
        self.bandwidth = bandwidth
        self.averageBandwidth = averageBandwidth
        self.codecs = codecs
        width = size?.width
        height = size?.height
        self.frameRate = frameRate
    }

    enum CodingKeys: String, CodingKey {
        case name, playlist, bandwidth, averageBandwidth, codecs, width, height, frameRate
    }

    /// Writes the document's `Rendition`, absent values as null.
    public func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: CodingKeys.self)
        try fields.encode(name, forKey: .name)
        try fields.encode(playlist, forKey: .playlist)
        try fields.encode(bandwidth, forKey: .bandwidth)
        try fields.encode(averageBandwidth, forKey: .averageBandwidth)
        try fields.encode(codecs, forKey: .codecs)
        try fields.encode(width, forKey: .width)
        try fields.encode(height, forKey: .height)
        try fields.encode(frameRate, forKey: .frameRate)
    }
}

/// Where to watch, as paths.
struct Playback: Encodable {
    let page: String
    let hls: String
    let flv: String

    init(_ id: StreamID) {
        page = "/watch/\(id)"
        hls = "/\(id)/index.m3u8"
        flv = "/\(id).flv"
    }
}

/// One viewer session.
public struct ViewerStatus: Encodable, Sendable {
    let id: String
    let `protocol`: String
    let startedAt: String
    let seconds: Double
    let bytesSent: Int

    /// A session that began at `startedAt`, `age` ago.
    public init(id: UInt64, protocol name: String, startedAt: WallTime, age: Duration, bytesSent: Int) {
        self.id = String(id, radix: 16)
        self.protocol = name
        self.startedAt = startedAt.description
        seconds = age.seconds
        self.bytesSent = bytesSent
    }
}

extension StreamID {
    /// The name by which the API knows a stream: its name in the app `live`, else `app/name`.
    public var apiKey: String { app == "live" ? name : description }
}

extension Codec {
    /// The codec as the API writes it.
    var apiName: String {
        switch self {
        case .aac: "aac"
        case .av1: "av1"
        case .h264: "h264"
        case .hevc: "hevc"
        case .opus: "opus"
        case .vp8: "vp8"
        case .vp9: "vp9"
        }
    }
}
