// SPDX-License-Identifier: Apache-2.0

public import Bytes
import Media

/// Reads Opus in Ogg, RFC 7845, as a live encoder writes it: packets, and which samples of its input they hold.
public struct OpusFromOgg: Sendable {
    /// One packet.
    public struct Packet: Hashable, Sendable {
        /// Which sample of the encoder's input is the first in it, at 48 kHz; below 0 at the very beginning, as an encoder
        /// has to look ahead.
        public let position: Int64
        /// How many samples at 48 kHz it holds.
        public let samples: Int64
        /// Its bytes.
        public let payload: ByteSlice
    }

    private var pages = OggDecoder()
    /// Samples by which positions in the file are ahead of the input's; nil before the head.
    private var preSkip: Int64?
    private var hasTags = false
    /// Packets of a page whose position only its last one tells.
    private var open: [(payload: ByteSlice, samples: Int64)] = []
    private var ready: [Packet] = []

    /// Nothing read yet.
    public init() {}

    /// Takes the next bytes.
    public mutating func append(_ bytes: some Sequence<UInt8>) { pages.append(bytes) }

    /// All packets that are there now.
    /// - Throws: `.malformed` for what is no Opus in Ogg. Nothing can be read after it.
    public mutating func packets() throws(SoundFailure) -> [Packet] {
        while let packet = try pages.next() { try take(packet) }
        defer { ready = [] }
        return ready
    }

    private mutating func take(_ packet: OggDecoder.Packet) throws(SoundFailure) {
        guard let preSkip else { return try takeHead(packet.bytes) }
        guard hasTags else {
            guard packet.bytes.starts(with: "OpusTags".utf8) else { throw .malformed("OpusTags") }
            hasTags = true
            return
        }
        // An encoder that ends may close its stream with an empty page.
        guard !packet.bytes.isEmpty else { return }
        guard let samples = OpusPacket.sampleCount(of: packet.bytes) else { throw .malformed("a packet of Opus") }
        open.append((packet.bytes, Int64(samples)))
        if let granule = packet.granule { place(upTo: granule, preSkip) }
    }

    private mutating func takeHead(_ bytes: ByteSlice) throws(SoundFailure) {
        let magic = Array("OpusHead".utf8)
        // §5.1: version, channels and two bytes of pre-skip, the lower first.
        guard bytes.starts(with: magic), bytes.count >= 19 else { throw .malformed("OpusHead") }
        let fields = Array(bytes.dropFirst(magic.count))
        preSkip = Int64(fields[2]) | Int64(fields[3]) << 8
    }

    /// A page's granule position is where its last packet ends, §4.
    private mutating func place(upTo granule: Int64, _ preSkip: Int64) {
        var position = granule &- open.reduce(0) { $0 + $1.samples } &- preSkip
        for (payload, samples) in open {
            ready.append(Packet(position: position, samples: samples, payload: payload))
            position = position &+ samples
        }
        open = []
    }
}
