// SPDX-License-Identifier: Apache-2.0

package import Bytes

/// What the pictures of an H.264 or HEVC track are decoded with, where the sets may come within the pictures.
package struct InBandParameterSets: Sendable {
    /// H.264 or HEVC.
    package let codec: Codec
    /// What the sets in force say; nil until they make sense.
    package private(set) var parameters: VideoParameters?
    /// The sets in force; copies, so that no message outlives its turn.
    private var sets = ParameterSetTable()

    /// No sets yet.
    package init(codec: Codec) { self.codec = codec }

    /// The sets of a record as we write it.
    package init(_ parameters: VideoParameters) {
        codec = parameters.codec
        self.parameters = parameters
        sets = ParameterSetTable(parameters.units, codec)
    }

    /// Takes sets found in a picture. Ones that are known change nothing; a new one replaces those of its kind and
    /// number. Sets that make no sense leave the old ones in force; where none are, sets are gathered until they make
    /// sense, and begun anew by a picture that brings a whole number of them, or more than a track may have.
    package mutating func take(_ found: [ByteSlice]) {
        var next = sets
        guard next.take(found, codec), !adopt(next), parameters == nil else { return }
        var fresh = ParameterSetTable()
        guard fresh.take(found, codec), !adopt(fresh) else { return }
        sets = next.fits(codec == .hevc ? .hevc : .h264) ? next : fresh
    }

    /// Puts sets in force; false where they make no sense.
    private mutating func adopt(_ next: ParameterSetTable) -> Bool {
        let units = next.units
        let changed =
            codec == .hevc
            ? try? VideoParameters(vps: units, sps: units, pps: units) : try? VideoParameters(sps: units, pps: units)
        guard let changed else { return false }
        parameters = changed
        sets = next
        return true
    }
}

extension VideoParameters {
    /// The parameter sets within an `avcC` or `hvcC` as we write it, in its order; none of AV1, VP8 and VP9.
    package var units: [ByteSlice] {
        var units: [ByteSlice] = []
        var reader = ByteReader(record)
        try? { () throws(Truncated) in
            switch codec {
            case .h264:
                _ = try reader.bytes(5)
                for _ in 0..<(try reader.uint8() & 31) { units.append(try reader.bytes(Int(try reader.uint16()))) }
                for _ in 0..<(try reader.uint8()) { units.append(try reader.bytes(Int(try reader.uint16()))) }
            case .hevc:
                _ = try reader.bytes(22)
                for _ in 0..<(try reader.uint8()) {
                    _ = try reader.uint8()
                    for _ in 0..<(try reader.uint16()) { units.append(try reader.bytes(Int(try reader.uint16()))) }
                }
            case .aac, .av1, .opus, .vp8, .vp9: break
            }
        }()
        return units
    }
}
