// SPDX-License-Identifier: Apache-2.0

import Foundation

/// What of JSON Schema 2020-12 our document uses: `$ref`, `allOf`, `type`, `required`, `properties`,
/// `additionalProperties`, `oneOf`, `items`, `enum`, `const`, `pattern`, `minimum`. A property that is not named is wrong.
struct JSONShape {
    private let document: [String: Any]

    /// The shapes of an OpenAPI document.
    init(_ document: [String: Any]) { self.document = document }

    /// What is wrong with `value`; empty where nothing is.
    func faults(of value: Any, against schema: [String: Any], at place: String = "$") -> [String] {
        let schema = resolved(schema)
        if let shapes = schema["oneOf"] as? [[String: Any]] {
            let tries = shapes.map { self.faults(of: value, against: $0, at: place) }
            return tries.min { $0.count < $1.count } ?? []
        }
        var faults = typeFaults(value, schema, place)
        if let object = value as? [String: Any] { faults += objectFaults(object, schema, place) }
        if let list = value as? [Any], let items = schema["items"] as? [String: Any] {
            faults += list.enumerated().flatMap { self.faults(of: $1, against: items, at: "\(place)[\($0)]") }
        }
        return faults
    }

    /// The thing that `schema` points at.
    func resolved(_ schema: [String: Any]) -> [String: Any] {
        guard let path = schema["$ref"] as? String else { return schema }
        var found: Any? = document
        for key in path.split(separator: "/").dropFirst() { found = (found as? [String: Any])?[String(key)] }
        return found as? [String: Any] ?? ["type": "missing \(path)"]
    }

    private func typeFaults(_ value: Any, _ schema: [String: Any], _ place: String) -> [String] {
        var faults: [String] = []
        if let types = schema["type"] as? [String] ?? (schema["type"] as? String).map({ [$0] }),
            !types.contains(where: { Self.value(value, is: $0) })
        {
            faults.append("\(place): \(value) is no \(types)")
        }
        if let allowed = schema["enum"] as? [Any], !allowed.contains(where: { "\($0)" == "\(value)" }) {
            faults.append("\(place): \(value) is none of \(allowed)")
        }
        if let constant = schema["const"], "\(constant)" != "\(value)" { faults.append("\(place): is not \(constant)") }
        if let pattern = schema["pattern"] as? String, let text = value as? String,
            text.range(of: pattern, options: .regularExpression) == nil
        {
            faults.append("\(place): \(text.count) characters do not match \(pattern)")
        }
        if let minimum = schema["minimum"] as? Double, let number = value as? Double, number < minimum {
            faults.append("\(place): \(number) is below \(minimum)")
        }
        return faults
    }

    private func objectFaults(_ object: [String: Any], _ schema: [String: Any], _ place: String) -> [String] {
        let properties = properties(of: schema)
        var faults = required(by: schema).filter { object[$0] == nil }.map { "\(place): \($0) is missing" }
        for (key, value) in object {
            if let shape = properties[key] {
                faults += self.faults(of: value, against: shape, at: "\(place).\(key)")
            } else if let shape = schema["additionalProperties"] as? [String: Any] {
                faults += self.faults(of: value, against: shape, at: "\(place).\(key)")
            } else {
                faults.append("\(place): \(key) is not in the document")
            }
        }
        return faults
    }

    private func parts(of schema: [String: Any]) -> [[String: Any]] {
        [schema] + (schema["allOf"] as? [[String: Any]] ?? []).flatMap { parts(of: resolved($0)) }
    }

    private func properties(of schema: [String: Any]) -> [String: [String: Any]] {
        parts(of: schema).reduce(into: [:]) { properties, part in
            properties.merge(part["properties"] as? [String: [String: Any]] ?? [:]) { $1 }
        }
    }

    private func required(by schema: [String: Any]) -> [String] {
        parts(of: schema).flatMap { $0["required"] as? [String] ?? [] }
    }

    private static func value(_ value: Any, is type: String) -> Bool {
        switch type {
        case "array": value is [Any]
        case "boolean": value is Bool
        case "integer": (value as? Double).map { $0 == $0.rounded() } ?? false
        case "null": value is NSNull
        case "number": value is Double
        case "object": value is [String: Any]
        case "string": value is String
        default: false
        }
    }
}
