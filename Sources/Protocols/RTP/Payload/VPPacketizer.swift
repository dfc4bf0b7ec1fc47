// SPDX-License-Identifier: Apache-2.0

public import Bytes

/// Cuts frames of VP8 (RFC 7741) and VP9 (RFC 9628, one spatial layer) into payloads of equal size but for the last.
///
/// Pictures bear no numbers: receivers then go by those of the packets, which go forward over terms by themselves.
public struct VPPacketizer: Sendable {
    private let codec: RTPCodec
    private let longest: Int

    /// A packetizer of `.vp8` or `.vp9`.
    public init(_ codec: RTPCodec, settings: PacketizerSettings = PacketizerSettings()) {
        precondition(codec == .vp8 || codec == .vp9, "frames of \(codec.encodingName)")
        self.codec = codec
        longest = settings.longestPayload
    }

    /// Appends the payloads of one frame, which must not be empty.
    public func packetize(_ frame: ByteSlice, isRandomAccess: Bool, into batch: inout PayloadBatch) {
        precondition(!frame.isEmpty, "a frame of no bytes")
        let size = frame.count.evenly(limit: longest - Self.longestDescriptor)
        var rest = frame
        while !rest.isEmpty {
            let piece = rest.prefix(size)
            let isFirst = rest.count == frame.count
            rest = rest.dropFirst(size)
            if codec == .vp8 {
                var descriptor = VP8Descriptor()
                descriptor.beginsPartition = isFirst
                batch.appendHead { descriptor.append(to: &$0) }
            } else {
                var descriptor = VP9Descriptor()
                (descriptor.beginsFrame, descriptor.endsFrame) = (isFirst, rest.isEmpty)
                descriptor.isPredicted = !isRandomAccess
                batch.appendHead { descriptor.append(to: &$0) }
            }
            batch.append(contentsOf: piece)
            batch.endPayload()
        }
    }

    private static let longestDescriptor = 1
}
