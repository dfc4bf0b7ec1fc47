// SPDX-License-Identifier: Apache-2.0

public import Bytes
public import Identity
public import Media

/// What a publisher's packets mean: parameters and access units.
///
/// The other half of `RTPFromMedia`. It is fed what `RTPReceiverSession` gives, in that order. Times are on one clock for all tracks. Browsers send no B-frames, so
/// units are shown when they are decoded. Behind a lost picture none is let through up to the next random access
/// point: what refers to it would be shown broken.
public struct MediaFromRTP: Sendable {
    /// What was found.
    public enum Event: Hashable, Sendable {
        /// A unit of one of the tracks.
        case accessUnit(AccessUnit)
        /// The same of one layer of several, with the rendition that it is.
        case layer(Track)
        /// What the units that follow are decoded with, where that is new.
        case parameters(TrackID, ParameterSets)
        /// A picture was lost, and none is let through before the next random access point: ask for one.
        case randomAccessWanted(ReceiveSource)
    }

    /// What was passed over, to be counted.
    public struct Ignored: Hashable, Sendable {
        /// Pictures that came whole but behind a lost one, or before their parameters.
        public fileprivate(set) var beforeRandomAccess = 0
        /// Pictures that were lost, each run of them once.
        public fileprivate(set) var lost = 0
        /// Pictures of which nothing could be made.
        public fileprivate(set) var malformed = 0
    }

    /// What was passed over so far.
    public private(set) var ignored = Ignored()
    private var tracks: [TrackState]
    private var clocks = SourceClockTable()
    private var output: [PictureAssembler.Output] = []

    /// A stream of these tracks that has not begun.
    public init(_ tracks: [ReceiveTrack]) { self.tracks = tracks.map(TrackState.init) }

    /// Takes the next packet of a source; one of a source that is no track is passed over.
    public mutating func receive(_ packet: ReceivedPacket, now: Duration, into events: inout [Event]) {
        guard let index = tracks.firstIndex(where: { $0.track.source == packet.source }),
            RTPCodec(tracks[index].track.codec) == packet.codec
        else { return }
        guard packet.codec.isVideo else { return receive(sound: packet, index, now: now, &events) }
        output.removeAll(keepingCapacity: true)
        tracks[index].assembler?.receive(
            packet.payload, timestamp: packet.timestamp, marker: packet.marker, into: &output)
        take(index, packet.codec, now: now, &events)
    }

    /// Packets of a source are lost, here in its order.
    public mutating func lose(_ source: ReceiveSource, now: Duration, into events: inout [Event]) {
        guard let index = tracks.firstIndex(where: { $0.track.source == source }),
            let codec = RTPCodec(tracks[index].track.codec)
        else { return }
        output.removeAll(keepingCapacity: true)
        tracks[index].assembler?.lose(into: &output)
        take(index, codec, now: now, &events)
    }

    /// A source goes on under another SSRC, on a clock that stands elsewhere.
    public mutating func begin(_ source: ReceiveSource) { clocks.forget(source) }

    /// Takes what a source reports of its clock.
    public mutating func receive(_ report: ClockReport, of source: ReceiveSource) {
        clocks.receive(report, of: source)
    }
}

extension MediaFromRTP {
    /// One packet is one unit, RFC 7587 §4.2.
    private mutating func receive(
        sound packet: ReceivedPacket, _ index: Int, now: Duration, _ events: inout [Event]
    ) {
        guard !packet.payload.isEmpty else { return }
        guard OpusPacket.sampleCount(of: packet.payload) != nil else {
            ignored.malformed += 1
            return
        }
        announce(index, .audio(tracks[index].track.sound), &events)
        let unit = AccessUnit(
            track: tracks[index].track.id, decodeTime: clocks.time(packet, now: now), isRandomAccess: true,
            payload: packet.payload)
        events.append(.accessUnit(unit))
    }

    private mutating func take(_ index: Int, _ codec: RTPCodec, now: Duration, _ events: inout [Event]) {
        for item in output {
            switch item {
            case .lost: lose(index, &events)
            case .picture(let picture): take(picture, index, codec, now: now, &events)
            }
        }
    }

    private mutating func lose(_ index: Int, _ events: inout [Event]) {
        ignored.lost += 1
        tracks[index].awaitsRandomAccess = true
        events.append(.randomAccessWanted(tracks[index].track.source))
    }

    private mutating func take(
        _ picture: PictureAssembler.Picture, _ index: Int, _ codec: RTPCodec, now: Duration, _ events: inout [Event]
    ) {
        let time = clocks.time(of: picture.timestamp, tracks[index].track.source, codec, now: now)
        guard let sample = tracks[index].pictures?.sample(picture.payload) else {
            ignored.malformed += 1
            return
        }
        guard let parameters = tracks[index].pictures?.parameters,
            sample.isRandomAccess || !tracks[index].awaitsRandomAccess
        else {
            ignored.beforeRandomAccess += 1
            // A publisher may not have heard, or may have sent one that was lost as well.
            events.append(.randomAccessWanted(tracks[index].track.source))
            return
        }
        tracks[index].awaitsRandomAccess = false
        announce(index, .video(parameters), &events)
        let unit = AccessUnit(
            track: tracks[index].track.id, decodeTime: time, isRandomAccess: sample.isRandomAccess,
            payload: sample.payload)
        events.append(.accessUnit(unit))
    }

    private mutating func announce(_ index: Int, _ parameters: ParameterSets, _ events: inout [Event]) {
        guard tracks[index].announced != parameters else { return }
        tracks[index].announced = parameters
        let track = tracks[index].track
        if track.rendition == .main {
            events.append(.parameters(track.id, parameters))
        } else {
            events.append(.layer(Track(id: track.id, rendition: track.rendition, parameters: parameters)))
        }
    }
}

/// One track of a publisher, as it was negotiated.
public struct ReceiveTrack: Hashable, Sendable {
    /// Its number within the stream.
    public let id: TrackID
    /// The rendition that it is; another than `main` for all layers of simulcast but the first.
    public let rendition: RenditionName
    /// Where its packets come from.
    public let source: ReceiveSource
    /// What they hold; not AAC, which RTP does not bring here.
    public let codec: Codec
    /// With sound: whether `sprop-stereo=1` was negotiated (RFC 7587 §6.1). A decoder takes either for either.
    public let isStereo: Bool
    /// With H.264 and HEVC: what pictures are decoded with, where it was told beside them (`sprop-parameter-sets`), as
    /// NAL units behind lengths of four bytes. What comes with the pictures takes its place.
    public let parameterSets: ByteSlice

    /// A track of its parts.
    public init(
        id: TrackID, rendition: RenditionName = .main, source: ReceiveSource, codec: Codec, isStereo: Bool = true,
        parameterSets: ByteSlice = []
    ) {
        precondition(codec != .aac, "a track of AAC over RTP")
        self.id = id
        self.rendition = rendition
        self.source = source
        self.codec = codec
        self.isStereo = isStereo
        self.parameterSets = parameterSets
    }

    /// What Opus in packets is decoded with: 48 kHz, no gain, and the look-ahead of the one encoder that all use.
    var sound: AudioParameters {
        let channels: UInt8 = isStereo ? 2 : 1
        return AudioParameters(
            codec: .opus, record: [0, channels, 0x01, 0x38, 0, 0, 0xBB, 0x80, 0, 0, 0], sampleRate: 48_000,
            channels: channels, codecString: "opus", samplesPerUnit: nil)
    }
}

private struct TrackState: Sendable {
    let track: ReceiveTrack
    var assembler: PictureAssembler?
    var pictures: PictureReader?
    var awaitsRandomAccess = true
    var announced: ParameterSets?

    init(_ track: ReceiveTrack) {
        self.track = track
        guard track.codec.isVideo, let codec = RTPCodec(track.codec) else { return }
        assembler = PictureAssembler(codec)
        pictures = PictureReader(track.codec)
        // No picture is in it, so nothing comes of it but what it is read for.
        if !track.parameterSets.isEmpty { _ = pictures?.sample(track.parameterSets) }
    }
}
