// SPDX-License-Identifier: Apache-2.0

import Bytes

/// What a value of AMF3 may point back to. Whole objects and arrays are not kept: nobody points to them in a command,
/// and a message of references to references would unfold without end.
struct AMF3References {
    var strings: [String] = []
    var traits: [AMF3Traits] = []
}

/// The shape of an AMF3 object.
struct AMF3Traits {
    let names: [String]
    let isDynamic: Bool
}

/// The values of AMF3 that follow marker 17 in AMF0, one at a time (AMF0 §3.1, AMF3 §3).
extension AMFDecoder {
    mutating func amf3Value(depth: Int) throws(AMFFailure) -> AMFValue {
        try countValue(depth: depth)
        let marker = try uint8()
        switch marker {
        case 0: return .undefined
        case 1: return .null
        case 2: return .boolean(false)
        case 3: return .boolean(true)
        case 4: return .number(Double(Int32(bitPattern: try uint29() << 3) >> 3))
        case 5: return .number(try double())
        case 6: return .string(try amf3String())
        case 8: return try amf3Date()
        case 9: return try amf3Array(depth: depth)
        case 10: return try amf3Object(depth: depth)
        default: throw .marker(marker)
        }
    }

    /// Up to four bytes, seven bits in each but the last, which has eight.
    private mutating func uint29() throws(AMFFailure) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<3 {
            let byte = try uint8()
            value = value << 7 | UInt32(byte & 0x7F)
            if byte < 0x80 { return value }
        }
        return value << 8 | UInt32(try uint8())
    }

    private mutating func amf3String() throws(AMFFailure) -> String {
        let head = try uint29()
        let number = Int(head >> 1)
        guard head & 1 == 1 else {
            guard references.strings.indices.contains(number) else { throw .reference(number) }
            return references.strings[number]
        }
        let string = try text(number)
        if !string.isEmpty { references.strings.append(string) }
        return string
    }

    private mutating func amf3Date() throws(AMFFailure) -> AMFValue {
        let head = try uint29()
        guard head & 1 == 1 else { throw .reference(Int(head >> 1)) }
        return .date(try double())
    }

    /// Named elements, then as many without names as the head says.
    private mutating func amf3Array(depth: Int) throws(AMFFailure) -> AMFValue {
        let head = try uint29()
        guard head & 1 == 1 else { throw .reference(Int(head >> 1)) }
        let named = try amf3Properties(depth: depth)
        var elements: [AMFValue] = []
        for _ in 0..<(head >> 1) { elements.append(try amf3Value(depth: depth + 1)) }
        return named.isEmpty ? .strictArray(elements) : .ecmaArray(named)
    }

    private mutating func amf3Object(depth: Int) throws(AMFFailure) -> AMFValue {
        let head = try uint29()
        guard head & 1 == 1 else { throw .reference(Int(head >> 1)) }
        let traits = try amf3Traits(head)
        var properties: [AMFProperty] = []
        for name in traits.names { properties.append(AMFProperty(name, try amf3Value(depth: depth + 1))) }
        if traits.isDynamic { properties += try amf3Properties(depth: depth) }
        return .object(properties)
    }

    private mutating func amf3Traits(_ head: UInt32) throws(AMFFailure) -> AMF3Traits {
        guard head & 2 == 2 else {
            let number = Int(head >> 2)
            guard references.traits.indices.contains(number) else { throw .reference(number) }
            return references.traits[number]
        }
        guard head & 4 == 0 else { throw .marker(10) }
        _ = try amf3String()
        var names: [String] = []
        for _ in 0..<(head >> 4) {
            try countValue(depth: 0)
            names.append(try amf3String())
        }
        let traits = AMF3Traits(names: names, isDynamic: head & 8 == 8)
        references.traits.append(traits)
        return traits
    }

    /// Names and values, up to an empty name.
    private mutating func amf3Properties(depth: Int) throws(AMFFailure) -> [AMFProperty] {
        var properties: [AMFProperty] = []
        while true {
            let name = try amf3String()
            if name.isEmpty { return properties }
            properties.append(AMFProperty(name, try amf3Value(depth: depth + 1)))
        }
    }
}
