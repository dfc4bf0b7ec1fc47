// SPDX-License-Identifier: Apache-2.0

/// Why a datagram, or a payload within it, was not taken; nothing in it is text that the peer sent.
public enum RTPFailure: Error, Hashable, Sendable {
    /// The bytes end before what they announce.
    case truncated
    /// A version other than 2, RFC 3550 §5.1 and §6.1.
    case version(UInt8)
    /// Padding that is longer than what it pads, or of no byte; carries its claim.
    case padding(UInt8)
    /// An RTCP packet of this type that contradicts itself.
    case report(UInt8)
    /// A payload that its format does not allow.
    case payload(RTPCodec)
    /// A payload structure that was not negotiated, such as interleaved mode of H.264; carries its type.
    case structure(RTPCodec, UInt8)
    /// A picture longer than allowed; carries the limit in bytes.
    case pictureLength(Int)

    /// A stable label to count the failure under.
    public var counterName: String {
        switch self {
        case .truncated: "truncated"
        case .version: "version"
        case .padding: "padding"
        case .report: "report"
        case .payload: "payload"
        case .structure: "structure"
        case .pictureLength: "picture_length"
        }
    }
}
