// SPDX-License-Identifier: Apache-2.0

import Bytes
import Identity
import Media

/// Writes feed records as bytes, for the relay between nodes.
///
/// A record is a version, a kind, and the kind's fields in the order of their declaration. Numbers are LEB128 of up to
/// 64 bits in the shortest form, signed ones zigzag before it; texts and bytes stand behind their length; lists behind
/// their count; what may be absent behind a 0 or 1. One record has one encoding. The frame around it says its length.
public struct FeedRecordEncoder: Sendable {
    /// The version written.
    public static let version: UInt8 = 1

    /// An encoder.
    public init() {}

    /// Appends one record.
    public func append(_ record: FeedRecord, to bytes: inout [UInt8]) {
        bytes.append(Self.version)
        switch record {
        case .accessUnit(let unit): bytes.append(unit)
        case .end(let reason): bytes.append(contentsOf: [FeedRecordKind.end.rawValue, reason.rawValue])
        case .gap(let gap):
            bytes.append(FeedRecordKind.gap.rawValue)
            bytes.append(number: gap.msn)
            bytes.append(gap.duration)
        case .parameters(let parameters): bytes.append(parameters)
        case .partEnd(let end): bytes.append(end)
        case .segmentStart(let start): bytes.append(start)
        case .stored(let msn):
            bytes.append(FeedRecordKind.stored.rawValue)
            bytes.append(number: msn)
        }
    }
}

/// The second byte of a record.
enum FeedRecordKind: UInt8 {
    case accessUnit = 1
    case end = 2
    case gap = 3
    case parameters = 4
    case partEnd = 5
    case segmentStart = 6
    case stored = 7
}

extension [UInt8] {
    fileprivate mutating func append(_ unit: AccessUnit) {
        append(FeedRecordKind.accessUnit.rawValue)
        append(unit.track.number)
        append(unit.isRandomAccess)
        append(number: UInt64(unit.decodeTime.timescale.ticksPerSecond))
        append(signed: unit.decodeTime.ticks)
        append(signed: Int64(unit.compositionOffset))
        append(block: unit.payload)
    }

    fileprivate mutating func append(_ parameters: Parameters) {
        append(FeedRecordKind.parameters.rawValue)
        append(number: UInt64(parameters.number))
        append(number: UInt64(parameters.tracks.count))
        for track in parameters.tracks {
            append(track.id.number)
            append(text: track.rendition.description)
            append(track.codec.rawValue)
            switch track.parameters {
            case .audio(let audio): append(audio)
            case .video(let video): append(video)
            }
        }
    }

    private mutating func append(_ audio: AudioParameters) {
        append(block: audio.record)
        append(number: UInt64(audio.sampleRate))
        append(audio.channels)
        append(text: audio.codecString)
        append(optional: audio.samplesPerUnit) { $0.append(number: UInt64($1)) }
    }

    private mutating func append(_ video: VideoParameters) {
        append(block: video.record)
        append(number: UInt64(video.width))
        append(number: UInt64(video.height))
        append(optional: video.frameRate) { $0.append(bigEndian: $1.bitPattern) }
        append(text: video.codecString)
    }

    fileprivate mutating func append(_ start: SegmentStart) {
        append(FeedRecordKind.segmentStart.rawValue)
        append(number: start.msn)
        append(start.firstDecodeTimes)
        append(number: UInt64(start.firstFragmentNumber))
        append(signed: start.programDateTime.milliseconds)
        append(number: start.discontinuitySequence)
        append(start.isDiscontinuity)
        append(number: UInt64(start.parameters))
        append(optional: start.targetDuration) { $0.append(signed: Int64($1)) }
        append(optional: start.partTarget) { $0.append($1) }
        append(start.packaging)
        append(optional: start.cdnBase) { $0.append(text: $1) }
    }

    fileprivate mutating func append(_ end: PartEnd) {
        append(FeedRecordKind.partEnd.rawValue)
        append(number: end.position.msn)
        append(signed: Int64(end.position.part))
        append(end.ends)
        append(end.duration)
        append(end.isIndependent)
        append(end.closesSegment)
        append(number: UInt64(end.digests.count))
        for digest in end.digests {
            append(text: digest.rendition.description)
            append(block: digest.sha256[...])
        }
    }

    private mutating func append(_ times: [TrackTime]) {
        append(number: UInt64(times.count))
        for time in times {
            append(time.track.number)
            append(signed: time.ticks)
        }
    }
}
