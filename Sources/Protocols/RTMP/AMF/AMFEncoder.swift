// SPDX-License-Identifier: Apache-2.0

import Bytes

/// Writes values of AMF0.
public struct AMFEncoder {
    /// What was written.
    public private(set) var bytes: [UInt8] = []

    /// Starts empty.
    public init() {}

    /// All of `values`, one after the other.
    public static func encode(_ values: [AMFValue]) -> [UInt8] {
        var encoder = AMFEncoder()
        for value in values { encoder.append(value) }
        return encoder.bytes
    }

    /// Appends one value.
    public mutating func append(_ value: AMFValue) {
        switch value {
        case .number(let number): append(0, number)
        case .boolean(let flag): bytes += [1, flag ? 1 : 0]
        case .string(let text): append(text)
        case .object(let properties): append(3, properties)
        case .null: bytes.append(5)
        case .undefined: bytes.append(6)
        case .ecmaArray(let properties):
            bytes.append(8)
            bytes.append(bigEndian: UInt32(truncatingIfNeeded: properties.count))
            append(properties)
        case .strictArray(let values):
            bytes.append(10)
            bytes.append(bigEndian: UInt32(truncatingIfNeeded: values.count))
            for value in values { append(value) }
        case .date(let milliseconds):
            append(11, milliseconds)
            bytes += [0, 0]
        }
    }

    private mutating func append(_ marker: UInt8, _ number: Double) {
        bytes.append(marker)
        bytes.append(bigEndian: number.bitPattern)
    }

    private mutating func append(_ text: String) {
        let length = text.utf8.count
        if length > 0xFFFF {
            bytes.append(12)
            bytes.append(bigEndian: UInt32(truncatingIfNeeded: length))
            bytes += text.utf8
        } else {
            bytes.append(2)
            append(name: text)
        }
    }

    private mutating func append(_ marker: UInt8, _ properties: [AMFProperty]) {
        bytes.append(marker)
        append(properties)
    }

    private mutating func append(_ properties: [AMFProperty]) {
        for property in properties {
            append(name: property.name)
            append(property.value)
        }
        bytes += [0, 0, AMFDecoder.objectEnd]
    }

    /// Appends a string of at most 65 535 bytes without its marker.
    private mutating func append(name: String) {
        precondition(name.utf8.count <= 0xFFFF, "a property's name of \(name.utf8.count) bytes")
        bytes.append(bigEndian: UInt16(truncatingIfNeeded: name.utf8.count))
        bytes += name.utf8
    }
}
