// SPDX-License-Identifier: Apache-2.0

import Bytes
import Foundation
import Media
import RTMP
import RTP
import TestKit

/// Bytes of a hexadecimal text; blanks are for the eye.
func hex(_ text: String) -> [UInt8] { [UInt8](hex: text.filter { !$0.isWhitespace }) ?? [] }

/// Random bytes.
func noise(_ count: Int, using random: inout SeededRandom) -> [UInt8] {
    (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next() >> 24) }
}

/// What an encoder made: the tracks and units of a file in Tests/Vectors/media, on the clocks of the feed.
struct Recording {
    var tracks: [Track] = []
    var units: [AccessUnit] = []

    init(_ name: String) throws {
        let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        let file = tests.appendingPathComponent("Vectors/media/\(name).flv")
        var decoder = FLVDecoder()
        decoder.append(try [UInt8](Data(contentsOf: file)))
        var media = MediaFromRTMP()
        var events: [MediaFromRTMP.Event] = []
        while let message = try decoder.next() { try media.accept(message, into: &events) }
        for event in events {
            switch event {
            case .parameters(let id, let parameters): tracks.append(Track(id: id, parameters: parameters))
            case .accessUnit(var unit):
                let timescale = tracks.first { $0.id == unit.track }?.timescale ?? .video
                unit.compositionOffset *= 90
                unit.decodeTime = unit.decodeTime.converted(to: timescale)
                units.append(unit)
            case .metadata: continue
            }
        }
    }
}

/// The payloads in a batch, each with bytes of its own.
func payloads(_ batch: PayloadBatch) -> [[UInt8]] { (0..<batch.count).map { Array(batch[$0]) } }

/// Pictures of payloads of one codec, a picture a list.
func assemble(_ codec: RTPCodec, _ pictures: [[[UInt8]]]) -> [PictureAssembler.Output] {
    var assembler = PictureAssembler(codec)
    var output: [PictureAssembler.Output] = []
    for (time, picture) in pictures.enumerated() {
        for (index, payload) in picture.enumerated() {
            assembler.receive(
                payload[...], timestamp: Int64(time) * 3000, marker: index == picture.count - 1, into: &output)
        }
    }
    return output
}

/// A picture of NAL units behind lengths of four bytes.
func picture(_ units: [[UInt8]]) -> ByteSlice {
    var bytes: [UInt8] = []
    for unit in units { bytes.append(nalUnit: unit[...]) }
    return bytes[...]
}

extension Int64 {
    /// Ticks of 90 kHz.
    var milliseconds: Int64 { self * 90 }
}
