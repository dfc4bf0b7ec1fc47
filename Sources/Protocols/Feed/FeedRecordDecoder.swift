// SPDX-License-Identifier: Apache-2.0

public import Bytes
import Identity
import Media

/// Reads what ``FeedRecordEncoder`` writes. Payloads share the storage of the bytes handed in.
public struct FeedRecordDecoder: Sendable {
    /// A decoder.
    public init() {}

    /// Reads exactly one record, which must fill `bytes`.
    public func record(from bytes: ByteSlice) throws(FeedFailure) -> FeedRecord {
        var reader = FieldReader(bytes)
        let version = try reader.byte()
        guard version == FeedRecordEncoder.version else { throw .unknownVersion(version) }
        let kind = try reader.byte()
        guard let known = FeedRecordKind(rawValue: kind) else { throw .unknownKind(kind) }
        let record = try record(known, &reader)
        guard reader.isEmpty else { throw .malformed }
        return record
    }

    private func record(_ kind: FeedRecordKind, _ reader: inout FieldReader) throws(FeedFailure) -> FeedRecord {
        switch kind {
        case .accessUnit: return .accessUnit(try accessUnit(&reader))
        case .end:
            guard let reason = EndReason(rawValue: try reader.byte()) else { throw .malformed }
            return .end(reason)
        case .gap: return .gap(Gap(msn: try reader.number(), duration: try reader.duration()))
        case .parameters: return .parameters(try parameters(&reader))
        case .partEnd: return .partEnd(try partEnd(&reader))
        case .segmentStart: return .segmentStart(try segmentStart(&reader))
        case .stored: return .stored(try reader.number())
        }
    }

    private func accessUnit(_ reader: inout FieldReader) throws(FeedFailure) -> AccessUnit {
        let track = try reader.track()
        let isRandomAccess = try reader.flag()
        let ticksPerSecond = try reader.small()
        guard ticksPerSecond > 0 else { throw .malformed }
        let time = MediaTime(ticks: try reader.signed(), timescale: Timescale(ticksPerSecond))
        guard let offset = Int32(exactly: try reader.signed()) else { throw .malformed }
        return AccessUnit(
            track: track, decodeTime: time, compositionOffset: offset, isRandomAccess: isRandomAccess,
            payload: try reader.block())
    }

    private func parameters(_ reader: inout FieldReader) throws(FeedFailure) -> Parameters {
        let number = try reader.small()
        var tracks: [Track] = []
        for _ in 0..<(try reader.count()) {
            let id = try reader.track()
            guard tracks.last.map({ $0.id < id }) ?? true else { throw .malformed }
            let rendition = try reader.rendition()
            guard let codec = Codec(rawValue: try reader.byte()) else { throw .malformed }
            let sets: ParameterSets =
                codec.isVideo ? .video(try video(codec, &reader)) : .audio(try audio(codec, &reader))
            tracks.append(Track(id: id, rendition: rendition, parameters: sets))
        }
        guard !tracks.isEmpty else { throw .malformed }
        return Parameters(number: number, tracks: tracks)
    }

    private func audio(_ codec: Codec, _ reader: inout FieldReader) throws(FeedFailure) -> AudioParameters {
        let told = AudioParameters(
            codec: codec, record: try reader.block(), sampleRate: try reader.small(), channels: try reader.byte(),
            codecString: try reader.text(), samplesPerUnit: try reader.flag() ? try reader.small() : nil)
        let read = try parsed { () throws(MediaFailure) in
            try codec == .opus ? AudioParameters(dOps: told.record) : AudioParameters(audioSpecificConfig: told.record)
        }
        guard told.record == read.record, told.sampleRate == read.sampleRate, told.channels == read.channels,
            told.samplesPerUnit == read.samplesPerUnit
        else { throw .malformed }
        return told
    }

    private func video(_ codec: Codec, _ reader: inout FieldReader) throws(FeedFailure) -> VideoParameters {
        let told = VideoParameters(
            codec: codec, record: try reader.block(), width: try reader.small(), height: try reader.small(),
            frameRate: try reader.flag() ? try reader.double() : nil, codecString: try reader.text())
        let read = try parsed { () throws(MediaFailure) in
            switch codec {
            case .av1: try VideoParameters(av1C: told.record)
            case .hevc: try VideoParameters(hvcC: told.record)
            case .vp8, .vp9: try VideoParameters(vpcC: told.record, codec, width: told.width, height: told.height)
            default: try VideoParameters(avcC: told.record)
            }
        }
        guard told.record == read.record, told.width == read.width, told.height == read.height else {
            throw .malformed
        }
        return told
    }

    /// What a configuration record says by itself: all writers rely on it, so one that can not be read, or that
    /// contradicts the fields beside it, is refused here.
    private func parsed<Value>(_ read: () throws(MediaFailure) -> Value) throws(FeedFailure) -> Value {
        do throws(MediaFailure) { return try read() } catch { throw .malformed }
    }

    private func segmentStart(_ reader: inout FieldReader) throws(FeedFailure) -> SegmentStart {
        SegmentStart(
            msn: try reader.number(),
            firstDecodeTimes: try reader.times(),
            firstFragmentNumber: try reader.small(),
            programDateTime: WallTime(milliseconds: try reader.signed()),
            discontinuitySequence: try reader.number(),
            isDiscontinuity: try reader.flag(),
            parameters: try reader.small(),
            targetDuration: try reader.flag() ? Int(try reader.signed()) : nil,
            partTarget: try reader.flag() ? try reader.duration() : nil,
            packaging: try reader.byte(),
            cdnBase: try reader.flag() ? try reader.text() : nil)
    }

    private func partEnd(_ reader: inout FieldReader) throws(FeedFailure) -> PartEnd {
        let position = PartPosition(msn: try reader.number(), part: Int(try reader.signed()))
        var end = PartEnd(
            position: position, ends: try reader.times(), duration: try reader.duration(),
            isIndependent: try reader.flag(), closesSegment: try reader.flag())
        for _ in 0..<(try reader.count()) {
            let rendition = try reader.rendition()
            end.digests.append(SegmentDigest(rendition: rendition, sha256: Array(try reader.block())))
        }
        return end
    }
}
