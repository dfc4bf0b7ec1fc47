// SPDX-License-Identifier: Apache-2.0

import Bytes
import Media

/// Makes samples of a publisher's pictures: 4-byte lengths, no parameter sets or delimiters, and parameters that are
/// those the pictures are really coded with.
struct VideoTrackDecoder {
    /// What pictures are decoded with; nil until it is known.
    private(set) var parameters: VideoParameters?
    private var codec = Codec.h264
    private var record: ByteSlice?
    private var lengthSize = 4
    private var inBand = InBandParameterSets(codec: .h264)
    /// The longest sample, in bytes: lengths of four bytes may take far more room than the one byte they replace.
    private let maximumSample: Int

    init(maximumSample: Int) { self.maximumSample = maximumSample }

    /// Forgets all.
    mutating func reset() { self = VideoTrackDecoder(maximumSample: maximumSample) }

    /// A picture as a sample.
    struct Sample {
        let payload: ByteSlice
        let isRandomAccess: Bool
    }

    /// Takes a configuration record. The same record again changes nothing, not even after sets within pictures did:
    /// some encoders repeat an old record with every key frame.
    mutating func configure(_ packet: MediaPacket) throws(TagFailure) {
        guard packet.body != record || packet.codec != codec && !isRenamedHEVC(packet) else { return }
        let next = try Self.parse(packet)
        codec = next?.codec ?? packet.codec
        record = Array(packet.body)[...]
        parameters = next
        inBand = next.map(InBandParameterSets.init) ?? InBandParameterSets(codec: codec)
        lengthSize = 4
        guard codec == .h264 || codec == .hevc else { return }
        do throws(MediaFailure) {
            lengthSize = try VideoParameters.nalLengthSize(of: packet.body, codec: codec)
        } catch { throw .fatal(.parameters(error)) }
    }

    /// Turns a picture into a sample, after taking the parameter sets within it; nil where none is left.
    mutating func sample(_ packet: MediaPacket) throws(TagFailure) -> Sample? {
        if packet.codec != codec, !isRenamedHEVC(packet) {
            reset()
            codec = packet.codec
            inBand = InBandParameterSets(codec: codec)
        }
        switch codec {
        case .av1: return try temporalUnit(packet)
        case .vp8, .vp9: return try frame(packet)
        default: return try accessUnit(packet)
        }
    }

    /// Whether tags that say H.264 hold HEVC, as their record showed.
    private func isRenamedHEVC(_ packet: MediaPacket) -> Bool { packet.codec == .h264 && codec == .hevc }
}

// MARK: - Configuration

extension VideoTrackDecoder {
    /// Reads a record; nil for one that leaves its sets to the pictures.
    private static func parse(_ packet: MediaPacket) throws(TagFailure) -> VideoParameters? {
        do throws(MediaFailure) {
            switch packet.codec {
            case .av1: return try VideoParameters(av1C: packet.body)
            case .hevc: return try VideoParameters(hvcC: packet.body)
            // The record does not tell the size: key frames tell that and all else.
            case .vp8, .vp9: return nil
            default: return try avc(packet.body)
            }
        } catch .unsupported("avcC without SPS"), .unsupported("hvcC without SPS") {
            return nil
        } catch {
            throw .fatal(.parameters(error))
        }
    }

    /// Old encoders send HEVC under H.264's number: a record that makes no sense as one may make it as the other.
    private static func avc(_ record: ByteSlice) throws(MediaFailure) -> VideoParameters {
        do throws(MediaFailure) {
            return try VideoParameters(avcC: record)
        } catch {
            guard let parameters = try? VideoParameters(hvcC: record) else { throw error }
            return parameters
        }
    }
}

// MARK: - Pictures

extension VideoTrackDecoder {
    private func temporalUnit(_ packet: MediaPacket) throws(TagFailure) -> Sample? {
        let unit = AV1TemporalUnit(packet.body)
        let payload = unit.sample
        guard !payload.isEmpty else { return nil }
        guard payload.count <= maximumSample else { throw .malformed }
        return Sample(payload: payload, isRandomAccess: packet.isKeyFrame && unit.isRandomAccess)
    }

    private mutating func frame(_ packet: MediaPacket) throws(TagFailure) -> Sample? {
        guard !packet.body.isEmpty else { return nil }
        guard packet.body.count <= maximumSample else { throw .malformed }
        let isKeyFrame = VPFrame.isKeyFrame(packet.body, codec)
        if isKeyFrame {
            guard let found = try? VideoParameters(keyFrame: packet.body, codec) else { throw .malformed }
            parameters = found
        }
        return Sample(payload: packet.body, isRandomAccess: isKeyFrame)
    }

    private mutating func accessUnit(_ packet: MediaPacket) throws(TagFailure) -> Sample? {
        var survey = NALSurvey(NALUnits(packet.body, lengthSize: lengthSize), codec: codec)
        var units = NALUnits(packet.body, lengthSize: lengthSize)
        var isWhole = lengthSize == 4 && survey.length == packet.body.count && !survey.mustStrip
        if survey.isMalformed {
            guard packet.body.starts(with: [0, 0, 0, 1]) || packet.body.starts(with: [0, 0, 1]) else {
                throw .malformed
            }
            units = NALUnits(annexB: packet.body)
            survey = NALSurvey(units, codec: codec)
            isWhole = false
        }
        if !survey.sets.isEmpty {
            inBand.take(survey.sets)
            parameters = inBand.parameters
        }
        guard survey.hasSlices else { return nil }
        guard survey.length <= maximumSample else { throw .malformed }
        let isRandomAccess = survey.isRandomAccess || packet.isKeyFrame && survey.hasRecoveryPoint
        guard !isWhole else { return Sample(payload: packet.body, isRandomAccess: isRandomAccess) }
        var payload: [UInt8] = []
        payload.reserveCapacity(survey.length)
        for unit in units where NALUnitKind(unit, codec).belongsInSample { payload.append(nalUnit: unit) }
        return Sample(payload: payload[...], isRandomAccess: isRandomAccess)
    }
}
