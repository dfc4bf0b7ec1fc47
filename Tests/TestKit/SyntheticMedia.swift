// SPDX-License-Identifier: Apache-2.0

import Bytes
import Identity
public import Media

/// What a publisher would send: video and audio on one clock, interleaved, the same for the same settings.
public struct SyntheticMedia: Sendable {
    /// How a publisher writes times.
    public enum Rounding: Sendable, CaseIterable {
        /// Milliseconds, rounded down.
        case down
        /// Milliseconds, rounded to nearest.
        case nearest
        /// 90 kHz, as exact as that is.
        case none
    }

    /// Frames a second as a fraction; nil without video.
    public var frameRate: (frames: Int64, seconds: Int64)? = (30, 1)
    /// Frames from one random access point to the next.
    public var framesPerGroup: Int64 = 60
    /// B-frames between two others; 0 for none.
    public var bFrames: Int64 = 0
    /// AAC's sample rate; nil without audio.
    public var sampleRate: Int64? = 48_000
    /// How times are written.
    public var rounding = Rounding.nearest
    /// Each time is off by up to this, either way.
    public var jitter: Duration = .zero
    /// The publisher's clock at the first unit.
    public var start: Duration = .zero
    /// The size of a picture and of a unit of audio, in bytes.
    public var sizes: (video: Int, audio: Int) = (64, 16)
    /// Seed of the jitter.
    public var seed: UInt64 = 1

    /// 30 frames a second in groups of 2 s without B-frames, AAC at 48 kHz, milliseconds to nearest.
    public init() {}

    /// A unit, and when it happened: nanoseconds since the first.
    public struct Event: Sendable {
        /// The unit on the publisher's clock.
        public var unit: AccessUnit
        /// When its decoding is due, not rounded.
        public let time: Duration
    }

    /// The units from the beginning for `duration`, in the order of their decode times.
    public func events(for duration: Duration) -> some Sequence<Event> {
        sequence(state: State(media: self)) { state in
            guard let event = state.next(), event.time < duration else { return nil }
            return event
        }
    }

    /// The parameters of a track.
    public func parameters(_ track: TrackID) -> ParameterSets {
        if track == .audio { return SyntheticParameters.aac(sampleRate: UInt32(sampleRate ?? 48_000)) }
        return SyntheticParameters.h264(frameRate: frameRate.map { Double($0.frames) / Double($0.seconds) })
    }

    /// The tracks there are.
    public var tracks: [TrackID] { (frameRate == nil ? [] : [.video]) + (sampleRate == nil ? [] : [.audio]) }
}

extension SyntheticMedia {
    private struct State {
        let media: SyntheticMedia
        let payloads: (key: ByteSlice, delta: ByteSlice, audio: ByteSlice)
        var random: SeededRandom
        var frame: Int64 = 0
        var packet: Int64 = 0

        init(media: SyntheticMedia) {
            self.media = media
            random = SeededRandom(seed: media.seed)
            payloads = (
                Self.nalUnit(0x65, media.sizes.video), Self.nalUnit(0x41, media.sizes.video),
                [UInt8](repeating: 0x21, count: media.sizes.audio)[...]
            )
        }

        mutating func next() -> Event? {
            let video = media.frameRate.map { frame * 1_000_000_000 * $0.seconds / $0.frames }
            let audio = media.sampleRate.map { packet * 1024 * 1_000_000_000 / $0 }
            if let video, video <= audio ?? .max { return picture(at: video) }
            return audio.map { sound(at: $0) }
        }

        private mutating func picture(at time: Int64) -> Event {
            let isKey = frame % media.framesPerGroup == 0
            let interval = media.frameRate.map { 1_000_000_000 * $0.seconds / $0.frames } ?? 0
            // Decode order P B B …: the first of each mini group is shown last.
            let position = frame % (media.bFrames + 1)
            let delay = media.bFrames == 0 ? 0 : isKey ? 1 : position == 0 ? media.bFrames + 1 : 0
            let (decode, timescale) = written(time)
            let (shown, _) = written(time + delay * interval)
            frame += 1
            return Event(
                unit: AccessUnit(
                    track: .video, decodeTime: MediaTime(ticks: decode, timescale: timescale),
                    compositionOffset: Int32(truncatingIfNeeded: delay == 0 ? 0 : shown - decode),
                    isRandomAccess: isKey, payload: isKey ? payloads.key : payloads.delta),
                time: .nanoseconds(time))
        }

        private mutating func sound(at time: Int64) -> Event {
            let (decode, timescale) = written(time)
            packet += 1
            return Event(
                unit: AccessUnit(
                    track: .audio, decodeTime: MediaTime(ticks: decode, timescale: timescale),
                    isRandomAccess: true, payload: payloads.audio),
                time: .nanoseconds(time))
        }

        private mutating func written(_ time: Int64) -> (Int64, Timescale) {
            let jitter = media.jitter.ticks(Timescale(1_000_000_000))
            let off = jitter == 0 ? 0 : Int64.random(in: -jitter...jitter, using: &random)
            let exact = time + media.start.ticks(Timescale(1_000_000_000)) + off
            switch media.rounding {
            case .down: return (exact / 1_000_000, .milliseconds)
            case .nearest: return ((exact + 500_000) / 1_000_000, .milliseconds)
            case .none:
                let time = MediaTime(ticks: exact, timescale: Timescale(1_000_000_000))
                return (time.converted(to: .video).ticks, .video)
            }
        }

        /// One NAL unit behind its length; the slice behind the header is not meant to be decoded.
        private static func nalUnit(_ header: UInt8, _ size: Int) -> ByteSlice {
            var bytes: [UInt8] = []
            bytes.append(bigEndian: UInt32(max(1, size - 4)))
            bytes.append(header)
            while bytes.count < size { bytes.append(UInt8(truncatingIfNeeded: bytes.count * 7) | 1) }
            return bytes[...]
        }
    }
}
