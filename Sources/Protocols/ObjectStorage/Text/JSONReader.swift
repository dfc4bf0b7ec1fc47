// SPDX-License-Identifier: Apache-2.0

import Bytes

/// A cursor over a JSON text.
struct JSONReader {
    private var rest: ByteSlice

    init(_ bytes: ByteSlice) { rest = bytes }

    /// Whether only white space is left.
    var isAtEnd: Bool { rest.allSatisfy(Self.isSpace) }

    /// Reads a value within so many others.
    mutating func value(depth: Int) throws(JSONFailure) -> JSONValue {
        guard depth < Self.deepest, let first = skipSpace() else { throw JSONFailure() }
        switch first {
        case UInt8(ascii: "{"): return try object(depth: depth)
        case UInt8(ascii: "["): return try array(depth: depth)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        default: return try number()
        }
    }

    private mutating func object(depth: Int) throws(JSONFailure) -> JSONValue {
        rest.removeFirst()
        var members: [String: JSONValue] = [:]
        if skipSpace() == UInt8(ascii: "}") {
            rest.removeFirst()
            return .object(members)
        }
        repeat {
            guard skipSpace() == UInt8(ascii: "\"") else { throw JSONFailure() }
            let name = try string()
            guard skipSpace() == UInt8(ascii: ":") else { throw JSONFailure() }
            rest.removeFirst()
            members[name] = try value(depth: depth + 1)
        } while try goesOn(until: UInt8(ascii: "}"))
        return .object(members)
    }

    private mutating func array(depth: Int) throws(JSONFailure) -> JSONValue {
        rest.removeFirst()
        var values: [JSONValue] = []
        if skipSpace() == UInt8(ascii: "]") {
            rest.removeFirst()
            return .array(values)
        }
        repeat { values.append(try value(depth: depth + 1)) } while try goesOn(until: UInt8(ascii: "]"))
        return .array(values)
    }

    /// Takes a comma, or what ends the list.
    private mutating func goesOn(until end: UInt8) throws(JSONFailure) -> Bool {
        let mark = skipSpace()
        guard mark == end || mark == UInt8(ascii: ",") else { throw JSONFailure() }
        rest.removeFirst()
        return mark != end
    }

    private mutating func string() throws(JSONFailure) -> String {
        rest.removeFirst()
        var bytes: [UInt8] = []
        while let byte = rest.popFirst(), byte >= 0x20 {
            switch byte {
            case UInt8(ascii: "\""):
                guard let text = String(validating: bytes, as: UTF8.self) else { throw JSONFailure() }
                return text
            case UInt8(ascii: "\\"): try escape(into: &bytes)
            default: bytes.append(byte)
            }
        }
        throw JSONFailure()
    }

    private mutating func escape(into bytes: inout [UInt8]) throws(JSONFailure) {
        guard let mark = rest.popFirst() else { throw JSONFailure() }
        if let plain = Self.escapes[mark] { return bytes.append(plain) }
        guard mark == UInt8(ascii: "u") else { throw JSONFailure() }
        var value = try hexadecimal()
        if (0xD800..<0xDC00).contains(value), rest.starts(with: "\\u".utf8) {
            rest = rest.dropFirst(2)
            let low = try hexadecimal()
            guard (0xDC00..<0xE000).contains(low) else { throw JSONFailure() }
            value = 0x10000 + (value - 0xD800) << 10 + (low - 0xDC00)
        }
        guard let scalar = Unicode.Scalar(value) else { throw JSONFailure() }
        bytes += Array(String(Character(scalar)).utf8)
    }

    private mutating func hexadecimal() throws(JSONFailure) -> UInt32 {
        guard rest.count >= 4, let bytes = [UInt8](hex: String(decoding: rest.prefix(4), as: UTF8.self)) else {
            throw JSONFailure()
        }
        rest = rest.dropFirst(4)
        return UInt32(bytes[0]) << 8 | UInt32(bytes[1])
    }

    private mutating func number() throws(JSONFailure) -> JSONValue {
        let digits = rest.prefix { Self.numberBytes.contains($0) }
        guard !digits.isEmpty, digits.count <= Self.longestNumber else { throw JSONFailure() }
        let text = String(decoding: digits, as: UTF8.self)
        guard Double(text) != nil else { throw JSONFailure() }
        rest = rest.dropFirst(digits.count)
        return .number(text)
    }

    private mutating func word(_ word: String, _ value: JSONValue) throws(JSONFailure) -> JSONValue {
        guard rest.starts(with: word.utf8) else { throw JSONFailure() }
        rest = rest.dropFirst(word.utf8.count)
        return value
    }

    /// The first byte that is not white space.
    private mutating func skipSpace() -> UInt8? {
        rest = rest.drop(while: Self.isSpace)
        return rest.first
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D }

    private static let deepest = 32
    private static let longestNumber = 64
    private static let numberBytes = Set("0123456789+-.eE".utf8)
    private static let escapes: [UInt8: UInt8] = [
        UInt8(ascii: "\""): UInt8(ascii: "\""), UInt8(ascii: "\\"): UInt8(ascii: "\\"),
        UInt8(ascii: "/"): UInt8(ascii: "/"), UInt8(ascii: "b"): 8, UInt8(ascii: "f"): 12, UInt8(ascii: "n"): 10,
        UInt8(ascii: "r"): 13, UInt8(ascii: "t"): 9,
    ]
}
