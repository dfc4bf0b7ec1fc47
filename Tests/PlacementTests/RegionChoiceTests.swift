// SPDX-License-Identifier: Apache-2.0

import Cluster
import Identity
import Placement
import Testing

@Suite("The choice of a region")
struct RegionChoiceTests {
    @Test("believes a header, then the address, then the country, then the place, then stays at home")
    func order() throws {
        let rome = try #require(GeographicPoint(latitude: 41.9, longitude: 12.5))
        var viewer = ViewerOrigin(
            region: try region("asia"), address: .v4(0x0A00_0001), country: "BR", place: rome)
        #expect(try choose(viewer) == "asia")
        viewer.region = try region("unheard-of")
        #expect(try choose(viewer) == "us")
        viewer.address = .v4(1)
        #expect(try choose(viewer) == "asia")
        viewer.country = "XX"
        #expect(try choose(viewer) == "eu")
        viewer.place = nil
        #expect(try choose(viewer) == "local")
    }

    @Test("passes over a region that is full or has no router, for the nearest to it")
    func full() throws {
        let viewer = ViewerOrigin(region: try region("eu"))
        #expect(try choose(viewer, full: ["eu"]) == "local")
        #expect(try choose(viewer, full: ["eu"], use: 0.95) == "us")
        #expect(try choose(viewer, full: ["eu", "us"], use: 0.95) == "asia")
        #expect(try choose(viewer, full: ["eu", "us", "asia"], use: 0.95) == "eu")
        #expect(try choose(viewer, closed: ["eu"]) == "local")
        #expect(try choose(ViewerOrigin(), use: 1) == "asia", "a region without edges sends its viewers away")
    }

    private func choose(
        _ viewer: ViewerOrigin, full: Set<String> = [], closed: Set<String> = [], use: Double = 0.5
    ) throws -> String {
        let regions = try ["eu", "us", "asia"].map {
            try summary($0, load: full.contains($0) ? 901 : 900, routers: closed.contains($0) ? [] : ["http://r"])
        }
        let places: [(String, Double, Double)] = [
            ("eu", 50.1, 8.7), ("us", 39.0, -77.5), ("asia", 1.35, 103.8), ("local", 51.5, -0.1),
        ]
        let choice = RegionChoice(
            addresses: AddressTable([(try #require(AddressPrefix(.v4(0x0A00_0000), length: 8)), try region("us"))]),
            countries: ["BR": try region("asia")],
            places: Dictionary(
                uniqueKeysWithValues: try places.map {
                    (try region($0.0), try #require(GeographicPoint(latitude: $0.1, longitude: $0.2)))
                }))
        let snapshot = try Nodes.edges(1).snapshot(of: "edge-1", regions: regions)
        return choice.region(for: viewer, in: snapshot, use: use).description
    }

    private func region(_ name: String) throws -> Region { try #require(Region(parsing: name)) }
}

@Suite("A place")
struct GeographicPointTests {
    /// Chords of known arcs: 2 sin(arc / 2), squared.
    @Test(
        "is as far from another as the globe says",
        arguments: [
            (0, 0, 0, 0, 0), (0, 0, 0, 180, 4), (90, 0, -90, 0, 4), (0, 0, 0, 90, 2), (0, 0, 90, 77, 2),
            (0, 179, 0, -179, 0.001218345943), (0, 0, 0, 60, 1), (60, 10, 60, -170, 1), (45, 30, 45, -150, 2),
        ] as [(Double, Double, Double, Double, Double)])
    func distance(north: Double, east: Double, otherNorth: Double, otherEast: Double, squared: Double) throws {
        let one = try #require(GeographicPoint(latitude: north, longitude: east))
        let other = try #require(GeographicPoint(latitude: otherNorth, longitude: otherEast))
        #expect(abs(one.squaredChord(to: other) - squared) < 1e-8)
    }

    @Test(
        "is on the globe",
        arguments: [(91, 0), (-90.5, 0), (0, 180.5), (0, -181), (.nan, 0), (0, .infinity)] as [(Double, Double)])
    func invalid(latitude: Double, longitude: Double) {
        #expect(GeographicPoint(latitude: latitude, longitude: longitude) == nil)
    }
}
