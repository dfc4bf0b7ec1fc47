// SPDX-License-Identifier: Apache-2.0

/// One of the ways by which a viewer can have a stream.
public struct PathwayState: Hashable, Sendable {
    /// What is at its end.
    public enum Kind: Hashable, Sendable {
        /// The CDN.
        case cdn
        /// An edge of the region that the viewer was sent to.
        case edge
        /// The routers of another region.
        case region
    }

    /// PATHWAY-ID.
    public let id: String
    /// What is at its end.
    public let kind: Kind
    /// Whether it takes viewers: it is alive and does not drain.
    public let isOpen: Bool
    /// How much of it is in use, 0 to 1 and over.
    public let load: Double
    /// How far a region is from the viewer's: of two, the lower is nearer. nil where that is not known.
    public let distance: Double?

    /// A pathway of its parts.
    public init(id: String, kind: Kind, isOpen: Bool = true, load: Double = 0, distance: Double? = nil) {
        self.id = id
        self.kind = kind
        self.isOpen = isOpen
        self.load = load
        self.distance = distance
    }

    /// Whether nobody else is to be sent there; a CDN is never full.
    public var isFull: Bool { kind != .cdn && load >= Self.full }

    private static let full = 0.9
}

extension PathwayState {
    /// Whether an operator means this pathway.
    fileprivate func isCalled(_ name: String?) -> Bool {
        id == name || kind == .edge && name == PathwayOrder.allEdges
    }
}

/// The order in which a viewer is to try pathways (RFC 8216bis §7.2, PATHWAY-PRIORITY).
public enum PathwayOrder {
    /// The pathways that take viewers, the best first; all, where none does, as a player without any can not even try.
    ///
    /// The edges of the viewer's region come first, then other regions, the nearest before the farther and before those of
    /// which it is not known, then the CDN; while the stream is offloaded, the CDN comes first. Of edges, and of regions
    /// that are equally far, the less loaded comes first, but a viewer stays where it is unless another has less than three
    /// quarters of the load, so that two edges that are about as full as each other do not exchange their viewers. What is
    /// equal even so stands as in `pathways`.
    ///
    /// What was too slow for the player comes behind all that was not, the quickest first, and the player stays where it is
    /// unless another has a third more. Where two pathways were too slow, the player's own line is what is slow, as far as is
    /// known: these come before those that were not tried. An edge or region that is full comes behind all.
    ///
    /// An operator's word goes before all that: what is wanted comes first while it takes viewers, however full, and what is to
    /// be left comes last.
    /// - Parameters:
    ///   - current: the pathway that the viewer uses now; nil where it has not begun.
    ///   - slow: the pathways that were too slow for the player.
    ///   - wanted: the pathway that an operator wants the viewer on; ``allEdges`` for whichever edge is best.
    ///   - left: the pathways that an operator wants nobody on.
    public static func order(
        _ pathways: [PathwayState], current: String?, isOffloaded: Bool, slow: SlowPathways = SlowPathways(),
        wanted: String? = nil, left: Set<String> = []
    ) -> [String] {
        let open = pathways.filter(\.isOpen)
        let candidates = open.isEmpty ? pathways : open
        let isSlowLine = pathways.count { slow.throughput(on: $0.id) != nil } >= slowLine
        let places = candidates.map {
            Place(
                $0, isCurrent: $0.id == current, isOffloaded: isOffloaded, measured: slow.throughput(on: $0.id),
                isSlowLine: isSlowLine)
        }
        let best = candidates.indices.sorted { (places[$0], $0) < (places[$1], $1) }
        let order = best.map { candidates[$0] }
        let first = order.filter { $0.isCalled(wanted) }
        let last = order.filter { state in !state.isCalled(wanted) && left.contains { state.isCalled($0) } }
        let others = order.filter { !first.contains($0) && !last.contains($0) }
        return (first + others + last).map(\.id)
    }

    /// What an operator calls the edges of a viewer's region.
    public static let allEdges = "EDGE"

    /// Of two places the lower rank is the better, then the lower cost, then the lower load.
    private struct Place: Comparable {
        let rank: Int
        let cost: Double
        let load: Double

        /// - Parameters:
        ///   - measured: bits a second, where that was too little.
        ///   - isSlowLine: whether others are hardly quicker for the player.
        init(_ pathway: PathwayState, isCurrent: Bool, isOffloaded: Bool, measured: UInt64?, isSlowLine: Bool) {
            let isFull = isCurrent ? pathway.kind != .cdn && pathway.load >= 1 : pathway.isFull
            let kind =
                switch pathway.kind {
                case .cdn: isOffloaded ? 0 : 3
                case .edge: 1
                case .region: 2
                }
            if let measured {
                let place = isSlowLine ? -1 : 4
                (rank, cost) = (isFull ? 8 : place, -Double(measured) / (isCurrent ? PathwayOrder.stay : 1))
            } else {
                let distance = pathway.kind == .region ? pathway.distance ?? .infinity : 0
                (rank, cost) = (isFull ? 5 + kind : kind, distance)
            }
            load = pathway.load * (isCurrent ? PathwayOrder.stay : 1)
        }

        static func < (left: Place, right: Place) -> Bool {
            (left.rank, left.cost, left.load) < (right.rank, right.cost, right.load)
        }
    }

    private static let stay = 0.75
    /// How many pathways that are too slow for a player show that its own line is.
    private static let slowLine = 2
}
