// SPDX-License-Identifier: Apache-2.0

/// Why a codec's configuration record was not taken.
public enum MediaFailure: Error, Hashable, Sendable {
    /// The record, or something inside it, is cut short.
    case truncated
    /// A version, profile or field that the standard does not allow; carries the field's name.
    case malformed(StaticName)
    /// Allowed by the standard, not carried by us; carries the field's name.
    case unsupported(StaticName)

    /// The name of a field, fixed at compile time, so that nothing a peer sent gets into a log by this way.
    public struct StaticName: Hashable, Sendable, CustomStringConvertible, ExpressibleByStringLiteral {
        /// The name.
        public let description: String
        /// A name in the source.
        public init(stringLiteral value: StaticString) { description = value.description }
    }
}
