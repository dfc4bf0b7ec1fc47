// SPDX-License-Identifier: Apache-2.0

public import Bytes

/// Reads values of AMF0 one after the other, as a command or data message holds them.
///
/// Counts on the wire are never believed: an array by name ends at its end mark, or with the message, as some cameras
/// leave the mark out.
public struct AMFDecoder {
    var reader: ByteReader
    let limits: AMFLimits
    private var values = 0
    var references = AMF3References()

    /// Starts at the first byte.
    public init(_ bytes: ByteSlice, limits: AMFLimits = AMFLimits()) {
        reader = ByteReader(bytes)
        self.limits = limits
    }

    /// Whether nothing is left.
    public var isAtEnd: Bool { reader.isEmpty }

    /// Reads the next value.
    public mutating func value() throws(AMFFailure) -> AMFValue { try value(depth: 0) }

    /// Reads the rest, value after value.
    public mutating func remainingValues() throws(AMFFailure) -> [AMFValue] {
        var values: [AMFValue] = []
        while !isAtEnd { values.append(try value()) }
        return values
    }
}

extension AMFDecoder {
    private mutating func value(depth: Int) throws(AMFFailure) -> AMFValue {
        try countValue(depth: depth)
        let marker = try uint8()
        switch marker {
        case 0: return .number(try double())
        case 1: return .boolean(try uint8() != 0)
        case 2: return .string(try string(lengthBytes: 2))
        case 3: return .object(try properties(depth: depth))
        case 5: return .null
        case 6, 13: return .undefined
        case 8: return try ecmaArray(depth: depth)
        case 10: return try strictArray(depth: depth)
        case 11: return try date()
        case 12, 15: return .string(try string(lengthBytes: 4))
        case 16: return try typedObject(depth: depth)
        case 17: return try amf3Value(depth: depth)
        default: throw .marker(marker)
        }
    }

    /// Counts one value more, `depth` objects deep.
    mutating func countValue(depth: Int) throws(AMFFailure) {
        guard depth <= limits.depth else { throw .tooDeep(limits.depth) }
        values += 1
        guard values <= limits.values else { throw .tooManyValues(limits.values) }
    }

    private mutating func ecmaArray(depth: Int) throws(AMFFailure) -> AMFValue {
        _ = try integer(4)
        return .ecmaArray(try properties(depth: depth))
    }

    private mutating func strictArray(depth: Int) throws(AMFFailure) -> AMFValue {
        let count = try integer(4)
        var elements: [AMFValue] = []
        for _ in 0..<count { elements.append(try value(depth: depth + 1)) }
        return .strictArray(elements)
    }

    private mutating func typedObject(depth: Int) throws(AMFFailure) -> AMFValue {
        _ = try string(lengthBytes: 2)
        return .object(try properties(depth: depth))
    }

    private mutating func date() throws(AMFFailure) -> AMFValue {
        let milliseconds = try double()
        _ = try integer(2)
        return .date(milliseconds)
    }

    private mutating func properties(depth: Int) throws(AMFFailure) -> [AMFProperty] {
        var properties: [AMFProperty] = []
        while !reader.isEmpty {
            let name = try string(lengthBytes: 2)
            if name.isEmpty, reader.rest.first == Self.objectEnd {
                _ = try uint8()
                break
            }
            properties.append(AMFProperty(name, try value(depth: depth + 1)))
        }
        return properties
    }

    private mutating func string(lengthBytes: Int) throws(AMFFailure) -> String {
        try text(Int(truncatingIfNeeded: try integer(lengthBytes)))
    }

    /// Reads `length` bytes of text.
    mutating func text(_ length: Int) throws(AMFFailure) -> String {
        guard length <= limits.string else { throw .tooLong(length) }
        do throws(Truncated) {
            return String(decoding: try reader.bytes(length), as: UTF8.self)
        } catch {
            throw .truncated
        }
    }

    mutating func uint8() throws(AMFFailure) -> UInt8 { UInt8(truncatingIfNeeded: try integer(1)) }

    mutating func double() throws(AMFFailure) -> Double { Double(bitPattern: try integer(8)) }

    mutating func integer(_ length: Int) throws(AMFFailure) -> UInt64 {
        do throws(Truncated) { return try reader.integer(length) } catch { throw .truncated }
    }

    static let objectEnd: UInt8 = 9
}
