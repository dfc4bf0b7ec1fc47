// SPDX-License-Identifier: Apache-2.0

public import Bytes
public import Media

/// What a publisher's messages mean: parameters and access units, whichever of RTMP's dialects they came in.
///
/// Hop 4 in the life of a frame. Units share the message's bytes unless something within must go. Time is the publisher's
/// in milliseconds, unwrapped and otherwise as sent. Units that come before their parameters are dropped.
public struct MediaFromRTMP: Sendable {
    /// What was found in a message.
    public enum Event: Hashable, Sendable {
        /// A unit of track 1, video, or 2, audio.
        case accessUnit(AccessUnit)
        /// `onMetaData`: what the encoder says of itself. It may be missing, late or wrong.
        case metadata([AMFProperty])
        /// What the units that follow are decoded with, where that is new.
        case parameters(TrackID, ParameterSets)
    }

    /// What was passed over, to be counted.
    public struct Ignored: Hashable, Sendable {
        /// Units that came before their parameters.
        public fileprivate(set) var beforeParameters = 0
        /// Tags of which nothing could be made.
        public fileprivate(set) var malformed = 0
        /// Tags of a track that can not be carried.
        public fileprivate(set) var unsupported = 0
        /// Tags of tracks beyond the first of video and of audio.
        public fileprivate(set) var otherTracks = 0
    }

    /// Why a track was last dropped, if one ever was.
    public private(set) var dropped: RTMPFailure?

    /// What was passed over so far.
    public private(set) var ignored = Ignored()

    private var video: VideoTrackDecoder
    private var audio = AudioTrackDecoder()
    private var videoClock = TimestampUnwrapper()
    private var audioClock = TimestampUnwrapper()
    private var announcedVideo: VideoParameters?
    private var announcedAudio: AudioParameters?
    /// When the first message came since which there is no track that can be carried.
    private var uncarriedSince: UInt32?

    /// A stream that has not begun.
    /// - Parameter maximumSample: the longest unit, as players would be sent it; one that is longer, such as a picture
    ///   of a million NAL units behind lengths of one byte, is counted as malformed. No more than what a message can
    ///   hold.
    public init(maximumSample: ByteCount = RTMPSettings().maximumMessage) {
        video = VideoTrackDecoder(
            maximumSample: min(maximumSample.bytes, MediaTag.maximumLength - RTMPFromMedia.longestHeader))
    }

    /// Takes one message.
    ///
    /// A track that can not be carried is dropped and counted, until a good configuration comes; the other goes on.
    /// - Throws: `.unsupportedCodec`, `.parameters`, `.noParameters` when no track could be carried for 10 s by the
    ///   publisher's clock.
    public mutating func accept(_ message: MediaMessage, into events: inout [Event]) throws(RTMPFailure) {
        do throws(TagFailure) {
            switch message.kind {
            case .audio: try accept(audio: MediaPacket(audioTag: message.body), message.timestamp, &events)
            case .video: try accept(video: MediaPacket(videoTag: message.body), message.timestamp, &events)
            case .data: accept(data: message.body, &events)
            }
        } catch {
            switch error {
            case .malformed: ignored.malformed += 1
            case .notMedia: break
            case .otherTrack: ignored.otherTracks += 1
            case .fatal(let failure): drop(message.kind, failure)
            }
        }
        if announcedVideo == nil, announcedAudio == nil, message.kind != .data {
            try endure(message.timestamp)
        } else {
            uncarriedSince = nil
        }
    }

    private mutating func drop(_ kind: MediaKind, _ failure: RTMPFailure) {
        ignored.unsupported += 1
        dropped = failure
        if kind == .video {
            video.reset()
            announcedVideo = nil
        } else {
            audio = AudioTrackDecoder()
            announcedAudio = nil
        }
    }

    private mutating func endure(_ timestamp: UInt32) throws(RTMPFailure) {
        let since = uncarriedSince ?? timestamp
        uncarriedSince = since
        let elapsed = Int32(bitPattern: timestamp &- since)
        guard elapsed <= Self.patience else { throw dropped ?? .noParameters }
    }

    /// How long a publisher may send nothing that can be carried, in milliseconds.
    private static let patience: Int32 = 10_000
}

extension MediaFromRTMP {
    /// The time of a configuration is not looked at: some encoders get it wrong.
    private mutating func accept(
        video packet: MediaPacket, _ timestamp: UInt32, _ events: inout [Event]
    ) throws(TagFailure) {
        guard case .unit(let offset) = packet.content else {
            try video.configure(packet)
            announceVideo(&events)
            return
        }
        let time = videoClock.unwrap(timestamp, reference: audioClock.time)
        let sample = try video.sample(packet)
        announceVideo(&events)
        guard let sample else { return }
        guard announcedVideo != nil else {
            ignored.beforeParameters += 1
            return
        }
        let unit = AccessUnit(
            track: .video, decodeTime: MediaTime(ticks: time, timescale: .milliseconds), compositionOffset: offset,
            isRandomAccess: sample.isRandomAccess, payload: sample.payload)
        events.append(.accessUnit(unit))
    }

    private mutating func accept(
        audio packet: MediaPacket, _ timestamp: UInt32, _ events: inout [Event]
    ) throws(TagFailure) {
        guard case .unit = packet.content else {
            try audio.configure(packet)
            announceAudio(&events)
            return
        }
        let time = audioClock.unwrap(timestamp, reference: videoClock.time)
        guard !packet.body.isEmpty else { return }
        guard announcedAudio?.codec == packet.codec else {
            ignored.beforeParameters += 1
            return
        }
        let unit = AccessUnit(
            track: .audio, decodeTime: MediaTime(ticks: time, timescale: .milliseconds), isRandomAccess: true,
            payload: audio.sample(packet))
        events.append(.accessUnit(unit))
    }

    /// `onMetaData`, with or without `@setDataFrame` before it; anything else is none of ours. It decides nothing, so a
    /// bad one is only counted.
    private mutating func accept(data body: ByteSlice, _ events: inout [Event]) {
        var decoder = AMFDecoder(body)
        do throws(AMFFailure) {
            var name = try decoder.value().string
            if name == "@setDataFrame" { name = try decoder.value().string }
            guard name == "onMetaData", let properties = try decoder.value().properties else { return }
            events.append(.metadata(properties))
        } catch {
            ignored.malformed += 1
        }
    }

    private mutating func announceVideo(_ events: inout [Event]) {
        guard video.parameters != announcedVideo else { return }
        announcedVideo = video.parameters
        if let parameters = announcedVideo { events.append(.parameters(.video, .video(parameters))) }
    }

    private mutating func announceAudio(_ events: inout [Event]) {
        guard let parameters = audio.parameters, parameters != announcedAudio else { return }
        announcedAudio = parameters
        events.append(.parameters(.audio, .audio(parameters)))
    }
}
