// SPDX-License-Identifier: Apache-2.0

import Bytes

/// A JSON text (RFC 8259) as Google answers with it. Numbers keep their spelling: those that matter are 64 bits wide.
enum JSONValue: Equatable {
    case null
    case bool(Bool)
    case number(String)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])

    /// Reads a whole text.
    /// - Throws: ``JSONFailure`` for what is none, and for one of over 32 levels.
    init(parsing bytes: [UInt8]) throws(JSONFailure) {
        var reader = JSONReader(bytes[...])
        self = try reader.value(depth: 0)
        guard reader.isAtEnd else { throw JSONFailure() }
    }

    /// A member of an object.
    subscript(name: String) -> JSONValue? {
        if case .object(let members) = self { members[name] } else { nil }
    }

    /// A string's text.
    var text: String? {
        if case .string(let text) = self { text } else { nil }
    }

    /// A whole number that is not negative, also one within a string, as Google writes those of 64 bits.
    var integer: UInt64? {
        switch self {
        case .number(let digits), .string(let digits): UInt64(digits)
        default: nil
        }
    }

    /// A string as it is written, with its quotation marks.
    static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\u{0}"..."\u{1F}":
                let digits = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}

/// What was read is no JSON text.
struct JSONFailure: Error, Equatable {}
