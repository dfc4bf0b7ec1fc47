// SPDX-License-Identifier: Apache-2.0

public import Cluster
public import Identity

/// What is known of where a viewer is, from the surest to the vaguest. Whoever fills it in knows whom to trust.
public struct ViewerOrigin: Sendable {
    /// What a trusted proxy says in a header.
    public var region: Region?
    /// The viewer's own address.
    public var address: IPAddress?
    /// The two letters of its country (ISO 3166-1), upper case, from a trusted header or a database.
    public var country: String?
    /// Its place, from a trusted header or a database.
    public var place: GeographicPoint?

    /// Known so far.
    public init(
        region: Region? = nil, address: IPAddress? = nil, country: String? = nil, place: GeographicPoint? = nil
    ) {
        self.region = region
        self.address = address
        self.country = country
        self.place = place
    }
}

/// Which region serves a viewer, by what an operator said of the regions.
public struct RegionChoice: Sendable {
    private let addresses: AddressTable
    private let countries: [String: Region]
    private let places: [Region: GeographicPoint]

    /// A choice by tables, each of which may be empty.
    /// - Parameters:
    ///   - addresses: address prefixes of each region.
    ///   - countries: the countries, ISO 3166-1 in upper case, that a region serves.
    ///   - places: where each region is.
    public init(
        addresses: AddressTable = AddressTable([]), countries: [String: Region] = [:],
        places: [Region: GeographicPoint] = [:]
    ) {
        self.addresses = addresses
        self.countries = countries
        self.places = places
    }

    /// The region for a viewer: what a trusted header names, else what its address prefix says, else its country, else the
    /// nearest to its place, else the router's own.
    ///
    /// A region that is not in the view, or has no router to send to, or is loaded above nine tenths, is passed over for
    /// the next of these; then for the nearest to the one that was meant, the own, and the least loaded. Where all are so
    /// loaded, the first that exists is taken.
    /// - Parameter use: how much of the own region's edges is in use; see ``EdgeLoads/use``.
    public func region(for viewer: ViewerOrigin, in snapshot: PlacementSnapshot, use: Double) -> Region {
        let wishes = wishes(of: viewer)
        let place = viewer.place ?? wishes.lazy.compactMap { places[$0] }.first
        let open = snapshot.view.regions.values.filter { !$0.routers.isEmpty }.map(\.region) + [snapshot.region]
        let load = { (region: Region) in Self.use(of: region, in: snapshot, own: use) }
        let rest = open.sorted { (load($0), $0) < (load($1), $1) }
        let ordered = (wishes + nearest(to: place, among: open) + [snapshot.region] + rest).filter(open.contains)
        return ordered.first { load($0) <= Self.full } ?? ordered.first ?? snapshot.region
    }

    /// How far two regions are from each other, as ``GeographicPoint/squaredChord(to:)`` has it; nil where it was not said
    /// where both are.
    public func distance(from one: Region, to other: Region) -> Double? {
        guard let place = places[one] else { return nil }
        return places[other].map { place.squaredChord(to: $0) }
    }

    private func wishes(of viewer: ViewerOrigin) -> [Region] {
        [viewer.region, viewer.address.flatMap(addresses.region(of:)), viewer.country.flatMap { countries[$0] }]
            .compactMap { $0 }
    }

    private func nearest(to place: GeographicPoint?, among regions: [Region]) -> [Region] {
        guard let place else { return [] }
        return regions.compactMap { region in places[region].map { (chord: $0.squaredChord(to: place), region: region) }
        }
        .sorted { $0 < $1 }.map(\.region)
    }

    private static func use(of region: Region, in snapshot: PlacementSnapshot, own: Double) -> Double {
        region == snapshot.region ? own : snapshot.view.regions[region].map { Double($0.load) / 1000 } ?? 1
    }

    private static let full = 0.9
}
