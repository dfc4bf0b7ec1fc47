// SPDX-License-Identifier: Apache-2.0

public import Bytes
import Media

/// Cuts temporal units of AV1 into payloads: "RTP Payload Format For AV1" 1.0, §4.
///
/// OBUs go without their size fields, up to three in a payload, of which the last needs no length (§4.4, `W`).
/// Temporal delimiters, tile lists and padding are left out (§5). Payloads are of equal size but for the last, as far
/// as lengths within them allow.
public struct AV1Packetizer: Sendable {
    private let longest: Int

    /// A packetizer of its settings.
    public init(settings: PacketizerSettings = PacketizerSettings()) { longest = settings.longestPayload }

    /// Appends the payloads of one temporal unit. False, and nothing is appended, where it has no OBUs, or ones that can
    /// not be read.
    public func packetize(_ unit: ByteSlice, isRandomAccess: Bool, into batch: inout PayloadBatch) -> Bool {
        var elements: [Element] = []
        var units = AV1TemporalUnit(unit)
        while let obu = units.next() {
            guard Self.isSent(obu.kind) else { continue }
            elements.append(Element(obu))
        }
        guard !units.isMalformed, !elements.isEmpty else { return false }
        let total = elements.reduce(0) { $0 + $1.count + 2 }
        let size = 1 + total.evenly(limit: longest - 1)
        var isFirst = true
        var rest = elements[...]
        while !rest.isEmpty {
            Self.appendPayload(&rest, size: size, isNewSequence: isFirst && isRandomAccess, to: &batch)
            isFirst = false
        }
        return true
    }

    /// An OBU, or what is left of one: its header of one or two bytes without the size, and its payload.
    private struct Element {
        var head: ByteSlice
        var body: ByteSlice
        var isContinued = false

        init(_ obu: OpenBitstreamUnit) {
            let first = obu.whole[obu.whole.startIndex]
            var head = [first & ~2]
            if first & 4 != 0 { head.append(obu.whole[obu.whole.startIndex + 1]) }
            self.head = head[...]
            body = obu.payload
        }

        var count: Int { head.count + body.count }

        /// Takes the first `length` bytes, which must not be more than there are.
        mutating func append(_ length: Int, to batch: inout PayloadBatch) {
            let ofHead = min(length, head.count)
            batch.append(contentsOf: head.prefix(ofHead))
            batch.append(contentsOf: body.prefix(length - ofHead))
            head = head.dropFirst(ofHead)
            body = body.dropFirst(length - ofHead)
            isContinued = true
        }
    }

    /// §4.4: `Z` the first element goes on from the payload before, `Y` the last goes on in the next, `W` how many
    /// elements there are, `N` the first payload of a coded video sequence.
    private static func appendPayload(
        _ rest: inout ArraySlice<Element>, size: Int, isNewSequence: Bool, to batch: inout PayloadBatch
    ) {
        var lengths: [Int] = []
        var room = size - 1
        for element in rest.prefix(3) where room > 0 {
            let isLast = lengths.count == 2 || element.count + lengthSize(element.count) >= room
            let length = isLast ? min(element.count, room) : element.count
            lengths.append(length)
            room -= isLast ? room : length + lengthSize(length)
        }
        let continues = rest.first?.isContinued ?? false
        let goesOn = rest.dropFirst(lengths.count - 1).first.map { $0.count > lengths[lengths.count - 1] } ?? false
        batch.append(
            (continues ? 0x80 : 0) | (goesOn ? 0x40 : 0) | UInt8(lengths.count) << 4 | (isNewSequence ? 8 : 0))
        for (index, length) in lengths.enumerated() {
            if index < lengths.count - 1 { append(leb128: length, to: &batch) }
            rest[rest.startIndex].append(length, to: &batch)
            if rest[rest.startIndex].count == 0 { rest.removeFirst() }
        }
        batch.endPayload()
    }

    private static func isSent(_ kind: OpenBitstreamUnit.Kind) -> Bool {
        kind != .temporalDelimiter && kind != .tileList && kind != .padding
    }

    private static func lengthSize(_ length: Int) -> Int { length < 128 ? 1 : length < 16_384 ? 2 : 3 }

    private static func append(leb128 value: Int, to batch: inout PayloadBatch) {
        var rest = value
        repeat {
            batch.append(UInt8(rest & 127) | (rest > 127 ? 128 : 0))
            rest >>= 7
        } while rest > 0
    }
}
