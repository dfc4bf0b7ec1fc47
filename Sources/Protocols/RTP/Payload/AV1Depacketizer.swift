// SPDX-License-Identifier: Apache-2.0

import Bytes

/// Puts a temporal unit of AV1 together again: "RTP Payload Format For AV1" 1.0, §4. The OBUs get size fields, as a
/// sample has them; temporal delimiters, tile lists and padding are dropped.
struct AV1Depacketizer: Sendable {
    private var unit: [UInt8] = []
    /// The OBU whose end has not come.
    private var open: [UInt8] = []
    private let longest: Int

    init(longest: Int) { self.longest = longest }

    mutating func append(_ payload: ByteSlice) throws(RTPFailure) {
        guard unit.count + open.count + payload.count * 2 <= longest else { throw .pictureLength(longest) }
        guard let head = payload.first, payload.count > 1 else { throw .payload(.av1) }
        var reader = payload.dropFirst()
        let count = Int(head >> 4 & 3)
        var index = 0
        while !reader.isEmpty {
            index += 1
            // Only the first element goes on from the payload before, and must where that says so.
            guard (index == 1 && head & 0x80 != 0) == !open.isEmpty else { throw .payload(.av1) }
            open += index == count ? reader : try Self.element(&reader)
            if index == count { reader = [] }
            if !reader.isEmpty || head & 0x40 == 0 { try close() }
        }
        guard count == 0 || index == count else { throw .payload(.av1) }
    }

    /// The temporal unit, or nil where an OBU of it has no end.
    mutating func finish() -> [UInt8]? {
        defer {
            unit = []
            open = []
        }
        return open.isEmpty ? unit : nil
    }

    /// Whether a payload does not go on from the one before.
    static func begins(_ payload: ByteSlice) -> Bool { payload.first.map { $0 & 0x80 == 0 } ?? false }

    /// §4.4, `N`: the first payload of a coded video sequence.
    static func beginsRandomAccess(_ payload: ByteSlice) -> Bool { payload.first.map { $0 & 0x88 == 8 } ?? false }

    /// Appends the OBU that is whole now, with a size.
    private mutating func close() throws(RTPFailure) {
        defer { open.removeAll(keepingCapacity: true) }
        guard let first = open.first, first & 0x80 == 0 else { throw .payload(.av1) }
        let headLength = first & 4 == 0 ? 1 : 2
        guard open.count >= headLength else { throw .payload(.av1) }
        var body = open[headLength...]
        if first & 2 != 0 {
            guard let size = body.leb128(), size <= body.count else { throw .payload(.av1) }
            body = body.prefix(size)
        }
        guard ![2, 8, 15].contains(first >> 3 & 15) else { return }
        unit.append(first | 2)
        if headLength == 2 { unit.append(open[1]) }
        unit.append(leb128: body.count)
        unit += body
    }

    private static func element(_ reader: inout ByteSlice) throws(RTPFailure) -> ByteSlice {
        guard let length = reader.leb128(), length > 0, length <= reader.count else { throw .payload(.av1) }
        defer { reader = reader.dropFirst(length) }
        return reader.prefix(length)
    }
}

extension ByteSlice {
    /// Takes a number of AV1 §4.10.5 up to 32 bits; nil for a longer one, or one that is cut short.
    mutating func leb128() -> Int? {
        var value = 0
        for index in 0..<8 {
            guard let byte = popFirst() else { return nil }
            value |= Int(byte & 127) << (index * 7)
            if byte & 128 == 0 { return value <= UInt32.max ? value : nil }
        }
        return nil
    }
}

extension [UInt8] {
    /// Appends a number as AV1 §4.10.5 writes it.
    mutating func append(leb128 value: Int) {
        var rest = value
        repeat {
            append(UInt8(rest & 127) | (rest > 127 ? 128 : 0))
            rest >>= 7
        } while rest > 0
    }
}
