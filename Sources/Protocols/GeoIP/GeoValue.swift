// SPDX-License-Identifier: Apache-2.0

/// What a database says: the data types of the MaxMind DB format 2.0.
public enum GeoValue: Hashable, Sendable {
    /// Values in order.
    case array([GeoValue])
    /// Raw bytes.
    case bytes([UInt8])
    /// True or false.
    case flag(Bool)
    /// Values by name.
    case map([String: GeoValue])
    /// A double, or a float widened to one.
    case number(Double)
    /// A signed number of 32 bits.
    case signed(Int32)
    /// UTF-8.
    case text(String)
    /// An unsigned number of up to 128 bits.
    case unsigned(UInt128)

    /// What a map has under this name; nil for all else.
    public subscript(name: String) -> GeoValue? {
        if case .map(let values) = self { values[name] } else { nil }
    }

    /// The text; nil for all else.
    public var text: String? {
        if case .text(let text) = self { text } else { nil }
    }

    /// The number, as it can be one of 64 bits; nil for all else.
    public var unsigned: UInt64? {
        if case .unsigned(let number) = self { UInt64(exactly: number) } else { nil }
    }
}

/// Why a file is no database, or why an answer in it can not be read.
public enum GeoDatabaseFailure: Error, Hashable, Sendable {
    /// A pointer to nowhere or to a pointer, a type that has no value, more nesting or more values than any answer has.
    case corrupt
    /// No metadata, or metadata that the file contradicts.
    case notADatabase
    /// Another version of the format than 2.
    case unsupportedVersion
}
