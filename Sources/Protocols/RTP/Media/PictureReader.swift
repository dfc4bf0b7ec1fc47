// SPDX-License-Identifier: Apache-2.0

import Bytes
import Media

/// Makes samples of a track's pictures, and reads what they are decoded with out of them.
struct PictureReader: Sendable {
    /// What the pictures are decoded with; nil until it is known.
    private(set) var parameters: VideoParameters?
    private let codec: Codec
    private var sets: InBandParameterSets
    /// The sequence header of AV1 that `parameters` stand for.
    private var sequenceHeader: ByteSlice = []

    init(_ codec: Codec) {
        self.codec = codec
        sets = InBandParameterSets(codec: codec)
    }

    /// A picture as an access unit carries it.
    struct Sample {
        let payload: ByteSlice
        let isRandomAccess: Bool
    }

    /// nil where there is no picture in it.
    mutating func sample(_ picture: ByteSlice) -> Sample? {
        switch codec {
        case .av1: temporalUnit(picture)
        case .vp8, .vp9: frame(picture)
        default: accessUnit(picture)
        }
    }

    private mutating func temporalUnit(_ picture: ByteSlice) -> Sample? {
        let unit = AV1TemporalUnit(picture)
        let payload = unit.sample
        guard !payload.isEmpty else { return nil }
        for obu in unit where obu.kind == .sequenceHeader && obu.payload != sequenceHeader {
            guard let found = try? VideoParameters(av1SequenceHeader: obu.payload) else { return nil }
            parameters = found
            sequenceHeader = Array(obu.payload)[...]
        }
        return Sample(payload: payload, isRandomAccess: unit.isRandomAccess)
    }

    private mutating func frame(_ picture: ByteSlice) -> Sample? {
        guard !picture.isEmpty else { return nil }
        let isKeyFrame = VPFrame.isKeyFrame(picture, codec)
        if isKeyFrame {
            guard let found = try? VideoParameters(keyFrame: picture, codec) else { return nil }
            parameters = found
        }
        return Sample(payload: picture, isRandomAccess: isKeyFrame)
    }

    private mutating func accessUnit(_ picture: ByteSlice) -> Sample? {
        let survey = NALSurvey(NALUnits(picture, lengthSize: 4), codec: codec)
        if !survey.sets.isEmpty {
            sets.take(survey.sets)
            parameters = sets.parameters
        }
        guard survey.hasSlices, !survey.isMalformed else { return nil }
        guard survey.mustStrip else { return Sample(payload: picture, isRandomAccess: survey.isRandomAccess) }
        var payload: [UInt8] = []
        payload.reserveCapacity(survey.length)
        for unit in NALUnits(picture, lengthSize: 4) where NALUnitKind(unit, codec).belongsInSample {
            payload.append(nalUnit: unit)
        }
        return Sample(payload: payload[...], isRandomAccess: survey.isRandomAccess)
    }
}
