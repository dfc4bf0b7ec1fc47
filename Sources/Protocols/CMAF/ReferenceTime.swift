// SPDX-License-Identifier: Apache-2.0

import Bytes
public import Media

/// Which media time was when, by civil time: the line on which a playlist's EXT-X-PROGRAM-DATE-TIME stands, too.
public struct ReferenceTime: Hashable, Sendable {
    /// Civil time at `media`.
    public let civil: WallTime
    /// A presentation time of the stream, on the clock of any of its tracks.
    public let media: MediaTime

    /// A time of its parts.
    public init(civil: WallTime, media: MediaTime) {
        self.civil = civil
        self.media = media
    }
}

/// `prft`, ISO/IEC 14496-12 §8.16.5: in which moment by UTC a sample of the fragment behind it was seen or heard.
///
/// ISO/IEC 23000-19 §7.3 lets it stand between `styp` and `moof`. `media_time` is a presentation time, as editions
/// since 2020 have it and as ffmpeg writes it; that of 2012 speaks of decoding, which without B-frames is the same.
struct ProducerReferenceTime: Hashable {
    /// `reference_track_ID`.
    let track: TrackID
    /// `ntp_timestamp`: seconds since 1900, and their fraction in the lower half.
    let ntp: UInt64
    /// `media_time`, never negative.
    let mediaTime: UInt64

    /// Bytes of the box.
    static let byteCount = 32

    /// The presentation of `unit`, on the line of `reference`.
    init(_ unit: AccessUnit, _ reference: ReferenceTime) {
        let presented = unit.presentationTime
        track = unit.track
        mediaTime = UInt64(clamping: presented.ticks)
        ntp = Self.ntp(reference.civil, later: presented.nanoseconds &- reference.media.nanoseconds)
    }

    /// Appends the box.
    func write(to bytes: inout [UInt8]) {
        bytes.writeFullBox(.prft, version: 1, flags: Self.realTime) { bytes in
            bytes.append(bigEndian: UInt32(track.number))
            bytes.append(bigEndian: ntp)
            bytes.append(bigEndian: mediaTime)
        }
    }

    /// NTP's form, RFC 5905 §6, of `nanoseconds` after `civil`. Times out of its range, which ends in 2036, wrap around.
    private static func ntp(_ civil: WallTime, later nanoseconds: Int64) -> UInt64 {
        let (seconds, rest) = (civil.milliseconds &* 1_000_000 &+ nanoseconds).quotientAndRemainder(
            dividingBy: 1_000_000_000)
        let isBefore = rest < 0
        let whole = UInt64(bitPattern: (isBefore ? seconds &- 1 : seconds) &+ secondsTo1970)
        let fraction = UInt64(isBefore ? rest + 1_000_000_000 : rest)
        return whole << 32 | (fraction << 32) / 1_000_000_000
    }

    /// The time has a consistent, small offset from that of what is seen.
    private static let realTime: UInt32 = 24
    /// From 1900 to 1970.
    private static let secondsTo1970: Int64 = 2_208_988_800
}

extension MediaTime {
    fileprivate var nanoseconds: Int64 { converted(to: Timescale(1_000_000_000)).ticks }
}
