// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation

/// What a result must hold, by the names in its JSON; a number within another object by `name.p95`.
struct Thresholds: Decodable {
    /// Numbers that must not be exceeded.
    let most: [String: Double]?
    /// Numbers that must be reached.
    let least: [String: Double]?

    init(file: String) throws {
        let data = try Data(contentsOf: URL(fileURLWithPath: file))
        self = try JSONDecoder().decode(Thresholds.self, from: data)
    }

    /// A line for each that a report does not hold. A name that it does not have is an error of the file.
    func broken(by report: some Report) throws -> [String] {
        let object = try JSONSerialization.jsonObject(with: JSONEncoder().encode(report))
        var lines: [String] = []
        for (name, limit) in most ?? [:] {
            let value = try Self.value(name, object)
            if value > limit { lines.append("\(name) is \(value), at most \(limit)") }
        }
        for (name, limit) in least ?? [:] {
            let value = try Self.value(name, object)
            if value < limit { lines.append("\(name) is \(value), at least \(limit)") }
        }
        return lines.sorted()
    }

    private static func value(_ name: String, _ object: Any) throws -> Double {
        let found = name.split(separator: ".").reduce(object as Any?) { ($0 as? [String: Any])?[String($1)] }
        guard let number = found as? NSNumber else { throw ValidationError("the result has no number \(name)") }
        return number.doubleValue
    }
}
