// SPDX-License-Identifier: Apache-2.0

public import Bytes

/// Makes pictures of one source's packets, which come in their order. A picture of which a packet is missing is dropped.
public struct PictureAssembler: Sendable {
    /// A picture whose packets all came.
    public struct Picture: Hashable, Sendable {
        /// Its time on the codec's clock.
        public let timestamp: Int64
        /// NAL units behind lengths of four bytes with parameter sets (H.264, HEVC), OBUs with sizes (AV1), or a frame.
        public let payload: ByteSlice

        /// A picture of its parts.
        public init(timestamp: Int64, payload: ByteSlice) {
            self.timestamp = timestamp
            self.payload = payload
        }
    }

    /// What became of a picture.
    public enum Output: Hashable, Sendable {
        /// One or more pictures, or parts of them, are missing here.
        case lost
        /// The next picture.
        case picture(Picture)
    }

    /// Why pictures were dropped though their packets came, to be counted; the last reason.
    public private(set) var failure: RTPFailure?
    private let codec: RTPCodec
    private var depacketizer: Depacketizer
    /// The time of the picture whose packets are coming.
    private var timestamp: Int64?
    /// Whether that picture is not whole.
    private var isBroken = false
    /// Whether packets are missing since the picture before.
    private var isAfterLoss = false

    /// An assembler for the pictures of a codec.
    /// - Parameter longest: the longest picture; what is longer is dropped.
    public init(_ codec: RTPCodec, longest: ByteCount = .mebibytes(8)) {
        self.codec = codec
        depacketizer = Depacketizer(codec, longest: longest.bytes)
    }

    /// Takes the next packet's payload; an empty one, as probes have, says nothing.
    public mutating func receive(_ payload: ByteSlice, timestamp: Int64, marker: Bool, into output: inout [Output]) {
        guard !payload.isEmpty else { return }
        if self.timestamp != timestamp { begin(timestamp, payload, &output) }
        if !isBroken {
            do throws(RTPFailure) {
                try depacketizer.append(payload)
            } catch {
                failure = error
                isBroken = true
            }
        }
        if marker { finish(&output) }
    }

    /// Packets before the next are lost.
    public mutating func lose(into output: inout [Output]) {
        if timestamp != nil { isBroken = true } else if !isAfterLoss { output.append(.lost) }
        isAfterLoss = true
    }

    private mutating func begin(_ timestamp: Int64, _ payload: ByteSlice, _ output: inout [Output]) {
        // A sender that sets no marker ends a picture by the next one's time.
        if self.timestamp != nil { finish(&output) }
        isBroken = isAfterLoss && !codec.beginsPicture(payload)
        isAfterLoss = false
        self.timestamp = timestamp
    }

    private mutating func finish(_ output: inout [Output]) {
        guard let timestamp else { return }
        self.timestamp = nil
        let picture = depacketizer.finish()
        if !isBroken, let picture, !picture.isEmpty {
            output.append(.picture(Picture(timestamp: timestamp, payload: picture[...])))
        } else {
            output.append(.lost)
        }
    }
}
