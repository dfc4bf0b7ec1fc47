// SPDX-License-Identifier: Apache-2.0

import Cluster
import Foundation
import Identity
import Placement

/// The file that says which region serves which viewers. Each line is one of
///
///     address 192.0.2.0/24 eu-west
///     country DE eu-west
///     place eu-west 50.11 8.68
///
/// and what stands behind `#` does not count.
struct RegionsFile: Sendable {
    /// The choice that the file makes.
    let choice: RegionChoice

    /// A line that can not be read.
    struct Failure: Error, CustomStringConvertible {
        let path: String
        let line: Int
        let reason: String

        var description: String { "\(path), line \(line): \(reason)" }
    }

    /// No file: one region serves all.
    init() { choice = RegionChoice() }

    /// Reads a file.
    init(path: String) throws {
        let text: String
        do { text = try String(contentsOfFile: path, encoding: .utf8) } catch {
            throw Failure(path: path, line: 0, reason: "the file can not be read")
        }
        var tables = Tables()
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let words = line.prefix { $0 != "#" }.split(whereSeparator: \.isWhitespace).map(String.init)
            guard words.isEmpty || tables.take(words) else {
                throw Failure(
                    path: path, line: index + 1,
                    reason: "expected `address PREFIX REGION`, `country CC REGION` or `place REGION LATITUDE LONGITUDE`"
                )
            }
        }
        choice = RegionChoice(
            addresses: AddressTable(tables.addresses), countries: tables.countries, places: tables.places)
    }

    private struct Tables {
        var addresses: [(Placement.AddressPrefix, Region)] = []
        var countries: [String: Region] = [:]
        var places: [Region: GeographicPoint] = [:]

        /// Takes a line; false where it is none.
        mutating func take(_ words: [String]) -> Bool {
            switch (words[0], words.count) {
            case ("address", 3):
                guard let prefix = Self.prefix(words[1]), let region = Region(parsing: words[2]) else { return false }
                addresses.append((prefix, region))
            case ("country", 3):
                guard words[1].utf8.count == 2, let region = Region(parsing: words[2]) else { return false }
                countries[words[1].uppercased()] = region
            case ("place", 4):
                guard let region = Region(parsing: words[1]), let latitude = Double(words[2]),
                    let longitude = Double(words[3]),
                    let place = GeographicPoint(latitude: latitude, longitude: longitude)
                else { return false }
                places[region] = place
            default: return false
            }
            return true
        }

        private static func prefix(_ text: String) -> Placement.AddressPrefix? {
            let parts = text.split(separator: "/", omittingEmptySubsequences: false)
            guard let address = IPAddress(parsing: parts[0]), parts.count <= 2 else { return nil }
            let widest = address.bytes.count * 8
            guard let length = parts.count == 1 ? widest : Int(parts[1]) else { return nil }
            return Placement.AddressPrefix(address, length: length)
        }
    }
}
