// SPDX-License-Identifier: Apache-2.0

import Cluster
import Foundation
import GeoIP
import Placement
import Transport

/// Where an address is, by a MaxMind DB file of countries or cities.
struct PlaceFinder: Sendable {
    private let database: GeoDatabase

    /// Reads the file, which stays in memory.
    init(path: String) throws {
        guard let bytes = FileManager.default.contents(atPath: path) else {
            throw SettingsProblem("router.places: \(path) can not be read")
        }
        do throws(GeoDatabaseFailure) { database = try GeoDatabase([UInt8](bytes)[...]) } catch {
            throw SettingsProblem("router.places: \(path) is no MaxMind DB file: \(error)")
        }
    }

    /// The country in two upper-case letters and the place, as far as the file says them.
    func place(of peer: PeerAddress) -> (country: String?, point: GeographicPoint?) {
        let address: IPAddress = peer.isIPv4 ? .v4(UInt32(truncatingIfNeeded: peer.low)) : .v6(peer.high, peer.low)
        guard let found = try? database.value(of: address) else { return (nil, nil) }
        let location = found["location"]
        let point = location?["latitude"]?.number.flatMap { latitude in
            location?["longitude"]?.number.flatMap { GeographicPoint(latitude: latitude, longitude: $0) }
        }
        return (found["country"]?["iso_code"]?.text, point)
    }
}

extension GeoValue {
    fileprivate var number: Double? { if case .number(let number) = self { number } else { nil } }
}
