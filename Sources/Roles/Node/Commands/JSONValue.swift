// SPDX-License-Identifier: Apache-2.0

import Foundation

/// A value of JSON, for commands that print what they get without knowing all of it.
package enum JSONValue: Codable, Equatable, Sendable {
    case flag(Bool)
    case list([JSONValue])
    case null
    case number(Double)
    case object([String: JSONValue])
    case text(String)

    /// Parses a body; nil where it is not JSON.
    package static func parsed(_ body: [UInt8]) -> JSONValue? {
        try? JSONDecoder().decode(JSONValue.self, from: Data(body))
    }

    /// Decodes whatever stands there.
    package init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if value.decodeNil() {
            self = .null
        } else if let flag = try? value.decode(Bool.self) {
            self = .flag(flag)
        } else if let number = try? value.decode(Double.self) {
            self = .number(number)
        } else if let text = try? value.decode(String.self) {
            self = .text(text)
        } else if let list = try? value.decode([JSONValue].self) {
            self = .list(list)
        } else {
            self = .object(try value.decode([String: JSONValue].self))
        }
    }

    /// Encodes what it is.
    package func encode(to encoder: any Encoder) throws {
        var place = encoder.singleValueContainer()
        switch self {
        case .flag(let flag): try place.encode(flag)
        case .list(let items): try place.encode(items)
        case .null: try place.encodeNil()
        case .number(let number): try place.encode(number)
        case .object(let fields): try place.encode(fields)
        case .text(let text): try place.encode(text)
        }
    }

    /// A field of an object; null where there is none. `a.b` is the field b of the object a.
    package subscript(_ path: String) -> JSONValue {
        path.split(separator: ".").reduce(self) { value, name in
            if case .object(let fields) = value { fields[String(name)] ?? .null } else { .null }
        }
    }

    /// The items of a list; none of anything else.
    package var items: [JSONValue] { if case .list(let items) = self { items } else { [] } }

    /// The value in words; empty for null, for `false`, for an object, and for an empty list.
    package var words: String {
        switch self {
        case .flag(let flag): flag ? "yes" : ""
        case .list(let items): items.map(\.words).joined(separator: ",")
        case .null, .object: ""
        case .number(let number): Self.words(for: number)
        case .text(let text): text
        }
    }

    /// Whole numbers as such, others with two decimals.
    private static func words(for number: Double) -> String {
        if let whole = Int64(exactly: number) { return String(whole) }
        guard abs(number) < 1e15 else { return "\(number)" }
        let hundredths = Int64((number * 100).rounded())
        let (whole, rest) = abs(hundredths).quotientAndRemainder(dividingBy: 100)
        return "\(hundredths < 0 ? "-" : "")\(whole).\(rest < 10 ? "0" : "")\(rest)"
    }
}
