// SPDX-License-Identifier: Apache-2.0

import Bytes

/// Reads values of a data section. Pointers may share values, so a small file could say a huge one: depth and the number
/// of values are limited.
struct GeoValueReader {
    private let section: ByteSlice
    private var budget = 8192

    private static let maximumDepth = 32

    init(section: ByteSlice) { self.section = section }

    /// The value that begins `offset` bytes into the section.
    mutating func value(at offset: Int) throws(GeoDatabaseFailure) -> GeoValue {
        guard offset <= section.count else { throw .corrupt }
        var reader = ByteReader(section.dropFirst(offset))
        return try value(&reader, depth: 0)
    }

    private mutating func value(_ reader: inout ByteReader, depth: Int) throws(GeoDatabaseFailure) -> GeoValue {
        budget -= 1
        guard depth < Self.maximumDepth, budget > 0 else { throw .corrupt }
        do {
            let control = try reader.uint8()
            if control >> 5 == 1 { return try pointed(try Self.pointer(control, &reader), depth: depth) }
            let type = control >> 5 == 0 ? UInt16(try reader.uint8()) + 7 : UInt16(control >> 5)
            let size = try Self.size(control, &reader)
            switch type {
            case 7: return try map(size, &reader, depth: depth)
            case 11: return try array(size, &reader, depth: depth)
            default: return try Self.scalar(type, size, &reader)
            }
        } catch {
            throw .corrupt
        }
    }

    /// What a pointer leads to, which may not be a pointer.
    private mutating func pointed(_ offset: Int, depth: Int) throws(GeoDatabaseFailure) -> GeoValue {
        guard offset < section.count, section[section.startIndex + offset] >> 5 != 1 else { throw .corrupt }
        var reader = ByteReader(section.dropFirst(offset))
        return try value(&reader, depth: depth + 1)
    }

    private mutating func map(
        _ count: Int, _ reader: inout ByteReader, depth: Int
    ) throws(GeoDatabaseFailure) -> GeoValue {
        var values: [String: GeoValue] = [:]
        for _ in 0..<count {
            guard let name = try value(&reader, depth: depth + 1).text else { throw .corrupt }
            values[name] = try value(&reader, depth: depth + 1)
        }
        return .map(values)
    }

    private mutating func array(
        _ count: Int, _ reader: inout ByteReader, depth: Int
    ) throws(GeoDatabaseFailure) -> GeoValue {
        var values: [GeoValue] = []
        for _ in 0..<count { values.append(try value(&reader, depth: depth + 1)) }
        return .array(values)
    }

    private static func scalar(_ type: UInt16, _ size: Int, _ reader: inout ByteReader) throws -> GeoValue {
        switch (type, size) {
        case (14, 0...1): return .flag(size == 1)
        case (3, 8): return .number(try reader.double())
        case (15, 4): return .number(Double(Float(bitPattern: try reader.uint32())))
        case (8, 0...4): return .signed(Int32(truncatingIfNeeded: try number(size, &reader)))
        case (5, 0...2), (6, 0...4), (9, 0...8), (10, 0...16): return .unsigned(try number(size, &reader))
        case (4, _): return .bytes(Array(try reader.bytes(size)))
        case (2, _):
            guard let text = String(validating: try reader.bytes(size), as: UTF8.self) else { throw Truncated() }
            return .text(text)
        default: throw Truncated()
        }
    }

    private static func number(_ size: Int, _ reader: inout ByteReader) throws(Truncated) -> UInt128 {
        try reader.bytes(size).reduce(0) { $0 << 8 | UInt128($1) }
    }

    /// The lower five bits, or up to three bytes more.
    private static func size(_ control: UInt8, _ reader: inout ByteReader) throws(Truncated) -> Int {
        switch control & 31 {
        case 29: 29 + Int(try reader.uint8())
        case 30: 285 + Int(try reader.uint16())
        case 31: 65_821 + Int(try reader.uint24())
        default: Int(control & 31)
        }
    }

    /// Two bits of size, and the offset in three bits with one to three bytes more, or in four bytes.
    private static func pointer(_ control: UInt8, _ reader: inout ByteReader) throws(Truncated) -> Int {
        let high = Int(control & 7)
        switch control >> 3 & 3 {
        case 0: return high << 8 | Int(try reader.uint8())
        case 1: return (high << 16 | Int(try reader.uint16())) + 2048
        case 2: return (high << 24 | Int(try reader.uint24())) + 526_336
        default: return Int(try reader.uint32())
        }
    }
}
