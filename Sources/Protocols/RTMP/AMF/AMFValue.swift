// SPDX-License-Identifier: Apache-2.0

/// A value of AMF0, with what AMF3 adds read as its nearest kin.
public enum AMFValue: Hashable, Sendable {
    case number(Double)
    case boolean(Bool)
    /// Text; bytes that are no UTF-8 became U+FFFD.
    case string(String)
    case object([AMFProperty])
    case null
    case undefined
    case ecmaArray([AMFProperty])
    case strictArray([AMFValue])
    /// Milliseconds since 1970, in UTC.
    case date(Double)

    /// The first property of that name; nil also for what is neither object nor array by name.
    public subscript(name: String) -> AMFValue? { properties?.first { $0.name == name }?.value }

    /// The properties of an object or of an array by name.
    public var properties: [AMFProperty]? {
        switch self {
        case .object(let properties), .ecmaArray(let properties): properties
        default: nil
        }
    }

    /// The number, where it is one.
    public var number: Double? { if case .number(let number) = self { number } else { nil } }

    /// The number without its fraction, where it fits.
    var uint32: UInt32? {
        guard let number, number >= 0, number < 4_294_967_296 else { return nil }
        return UInt32(number)
    }

    /// The text, where it is one.
    public var string: String? { if case .string(let text) = self { text } else { nil } }
}

/// A named value within an object.
public struct AMFProperty: Hashable, Sendable {
    /// Its name.
    public let name: String
    /// Its value.
    public let value: AMFValue

    /// A property of its parts.
    public init(_ name: String, _ value: AMFValue) {
        self.name = name
        self.value = value
    }
}

/// Why bytes are no AMF.
public enum AMFFailure: Error, Hashable, Sendable {
    /// A value is cut short.
    case truncated
    /// Arrays and objects within one another, deeper than the limit it carries.
    case tooDeep(Int)
    /// More values than the limit it carries.
    case tooManyValues(Int)
    /// A string longer than the limit; carries its length in bytes.
    case tooLong(Int)
    /// A type that does not exist or that nobody sends.
    case marker(UInt8)
    /// A reference to what was never sent.
    case reference(Int)
    /// A command that does not begin with its name.
    case noCommandName
}

/// What a message in AMF may ask of its reader.
public struct AMFLimits: Hashable, Sendable {
    /// Objects and arrays within one another.
    public var depth: Int
    /// Values and properties in a message.
    public var values = 4096
    /// Bytes in a string.
    public var string = 64 << 10

    /// The defaults, but for the depth.
    public init(depth: Int = 16) { self.depth = depth }
}
