// SPDX-License-Identifier: Apache-2.0

public import Foundation

/// What a result must hold, by the names in its JSON; a number within another object by `name.p95`.
public struct Thresholds: Decodable, Sendable {
    /// A name that the result has no number of: the file is wrong.
    public struct Failure: Error, Hashable, CustomStringConvertible {
        /// The name.
        public let name: String

        /// For a person.
        public var description: String { "the result has no number \(name)" }
    }

    /// Numbers that must not be exceeded.
    let most: [String: Double]?
    /// Numbers that must be reached.
    let least: [String: Double]?

    /// Reads a file's JSON.
    public init(json: Data) throws { self = try JSONDecoder().decode(Thresholds.self, from: json) }

    /// A line for each that a result does not hold. Of times that were never measured nothing is held, however short zero
    /// is.
    public func broken(by result: some Encodable) throws -> [String] {
        let object = try JSONSerialization.jsonObject(with: JSONEncoder().encode(result))
        let above = try (most ?? [:]).compactMap { name, limit in
            try Self.line(name, object) { $0 > limit ? "at most \(limit)" : nil }
        }
        let below = try (least ?? [:]).compactMap { name, limit in
            try Self.line(name, object) { $0 < limit ? "at least \(limit)" : nil }
        }
        return (above + below).sorted()
    }

    private static func line(_ name: String, _ object: Any, _ complaint: (Double) -> String?) throws -> String? {
        let words = name.split(separator: ".").map(String.init)
        let holder = words.dropLast().reduce(object as Any?) { ($0 as? [String: Any])?[$1] } as? [String: Any]
        guard let last = words.last, let number = holder?[last] as? NSNumber else { throw Failure(name: name) }
        if last != "count", words.count > 1, (holder?["count"] as? NSNumber)?.intValue == 0 {
            return "\(name): nothing was measured"
        }
        return complaint(number.doubleValue).map { "\(name) is \(number), \($0)" }
    }
}
