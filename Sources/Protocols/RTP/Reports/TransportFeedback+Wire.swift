// SPDX-License-Identifier: Apache-2.0

import Bytes

/// Status chunks and receive deltas, draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1.1 to §3.1.5.
extension TransportFeedback {
    /// How a packet's arrival is told.
    private enum Symbol: UInt16 {
        case missing = 0
        /// A delta of one byte without sign.
        case small = 1
        /// A delta of two bytes with sign.
        case large = 2
        case reserved = 3

        init(_ delta: Int16?) {
            guard let delta else {
                self = .missing
                return
            }
            self = (0...255).contains(delta) ? .small : .large
        }
    }

    func appendBody(to bytes: inout [UInt8]) {
        precondition(deltas.count <= Self.longest, "feedback on \(deltas.count) packets")
        bytes.append(bigEndian: base)
        bytes.append(bigEndian: UInt16(deltas.count))
        bytes.append(bigEndian24: UInt32(bitPattern: reference))
        bytes.append(count)
        appendChunks(to: &bytes)
        for case .some(let delta) in deltas {
            if Symbol(delta) == .small { bytes.append(UInt8(delta)) } else { bytes.append(bigEndian: delta) }
        }
    }

    /// Runs where they are longer than what a vector holds, else vectors of fourteen or of seven.
    private func appendChunks(to bytes: inout [UInt8]) {
        var index = 0
        while index < deltas.count {
            let symbol = Symbol(deltas[index])
            var run = 1
            while index + run < deltas.count, Symbol(deltas[index + run]) == symbol { run += 1 }
            if run >= 14 || index + run == deltas.count {
                bytes.append(bigEndian: symbol.rawValue << 13 | UInt16(run))
                index += run
            } else {
                let next = deltas[index..<min(index + 14, deltas.count)]
                let isNarrow = !next.contains { Symbol($0) == .large }
                let width = isNarrow ? 1 : 2
                let vector = next.prefix(14 / width)
                var bits: UInt16 = isNarrow ? 0x8000 : 0xC000
                for (place, delta) in vector.enumerated() {
                    bits |= Symbol(delta).rawValue << (14 - width * (place + 1))
                }
                bytes.append(bigEndian: bits)
                index += vector.count
            }
        }
    }

    static func read(_ reader: inout ByteReader, sender: UInt32, media: UInt32) throws(Truncated) -> TransportFeedback?
    {
        let (base, count) = (try reader.uint16(), Int(try reader.uint16()))
        let (reference, number) = (try reader.int24(), try reader.uint8())
        guard count <= longest else { return nil }
        var symbols: [Symbol] = []
        symbols.reserveCapacity(count)
        while symbols.count < count { Self.readChunk(try reader.uint16(), into: &symbols, upTo: count) }
        var deltas: [Int16?] = []
        deltas.reserveCapacity(count)
        for symbol in symbols {
            switch symbol {
            case .missing: deltas.append(nil)
            case .small: deltas.append(Int16(try reader.uint8()))
            case .large: deltas.append(Int16(bitPattern: try reader.uint16()))
            case .reserved: return nil
            }
        }
        return TransportFeedback(
            sender: sender, media: media, base: base, reference: reference, count: number, deltas: deltas)
    }

    private static func readChunk(_ chunk: UInt16, into symbols: inout [Symbol], upTo count: Int) {
        let room = count - symbols.count
        if chunk & 0x8000 == 0 {
            let symbol = Symbol(rawValue: chunk >> 13 & 3) ?? .reserved
            symbols.append(contentsOf: repeatElement(symbol, count: min(room, Int(chunk & 0x1FFF))))
            if chunk & 0x1FFF == 0 { symbols.append(contentsOf: repeatElement(.reserved, count: room)) }
            return
        }
        let width = chunk & 0x4000 == 0 ? 1 : 2
        for place in 1...min(room, 14 / width) {
            let bits = chunk >> (14 - width * place) & (width == 1 ? 1 : 3)
            symbols.append(Symbol(rawValue: bits) ?? .reserved)
        }
    }
}
