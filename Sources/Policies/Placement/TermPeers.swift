// SPDX-License-Identifier: Apache-2.0

public import Cluster
public import Identity

extension PlacementSnapshot {
    /// Whom a node of this region asks that takes a term of a stream, those first from which its window is copied first:
    /// the standby and the gateway, the region's other origins, its shields, and the first edges of the stream's ranking.
    /// Origins that drain are asked like the others: they may have the stream, and their promise counts for a quorum.
    /// Of a stream whose gateway is in another region also that region's doors. Suspects are asked: if they are dead, it
    /// costs the time of the question, and if they are not, they may be the gateway.
    public func termPeers(for stream: StreamID) -> [Upstream] {
        let entry = view.streams[stream].flatMap { $0.state == .ended ? nil : $0 }
        let key = RankingKey(stream)
        let holders = [entry?.standby, entry?.gateway].compactMap { $0 }.compactMap(view.member)
        let members =
            holders.filter { $0.health <= .suspect } + origins.members + view.members.filter(isVoter)
            + shields.ranking(of: key).map { shields.members[$0] }
            + edges.first(Self.askedEdges, of: key).map { edges.members[$0] }
        let near = members.filter { $0.id != view.node }.compactMap(Upstream.init)
        let far = entry.map { $0.region == region ? [] : doors(for: $0) } ?? []
        var seen: Set<NodeID> = []
        return (near + far).filter { seen.insert($0.node).inserted }
    }

    /// Whom a gateway asks that does not know whether somebody took its stream: of those whom a taker asks, as far as they are
    /// believed alive, the standby before all, and then the region's doors, as a taker in another region asks nobody else
    /// here. No others have to know of a higher term.
    public func witnesses(of stream: StreamID) -> [Upstream] {
        let asked = termPeers(for: stream).filter { view.member($0.node)?.health == .alive }
        let holders = livingHolders(of: stream)
        let doors = (shields.count == 0 ? origins : shields).members.prefix(Self.mostDoors).map(\.id)
        let first = asked.filter { holders.contains($0.node) } + asked.filter { doors.contains($0.node) }
        var seen: Set<NodeID> = []
        return Array((first + asked).filter { seen.insert($0.node).inserted }.prefix(Self.mostWitnesses))
    }

    /// Those of whom a stream's directory entry says that they hold it and who are believed alive, but for this node.
    public func livingHolders(of stream: StreamID) -> Set<NodeID> {
        let entry = view.streams[stream].flatMap { $0.state == .ended ? nil : $0 }
        let holders = [entry?.standby, entry?.gateway].compactMap { $0 }.compactMap(view.member)
        return Set(holders.filter { $0.health == .alive && $0.id != view.node }.map(\.id))
    }

    /// The origins whose promise counts for a quorum. One that drains still promises.
    public var voters: Set<NodeID> { Set(view.members.filter(isVoter).map(\.id)) }

    private func isVoter(_ member: Member) -> Bool {
        member.health <= .suspect && member.description.region == region && member.description.roles.contains(.origin)
    }

    /// Whether so many origins are alive, this node counted where it is one: a gateway that knows of fewer may be on the
    /// smaller side of a cut.
    public func hasQuorum(of count: Int) -> Bool {
        count == 0 || view.members.count { isVoter($0) && $0.health == .alive } >= count
    }

    /// Who ends a stream of this region whose publisher does not come back: its gateway while it lives, then its standby,
    /// then the first origin of its ranking, as a gateway may die before the others hear of a standby.
    /// - Returns: nil for another region's stream, and where no origin lives.
    public func heir(of entry: StreamEntry) -> NodeID? {
        guard entry.region == region else { return nil }
        let holders = [entry.gateway, entry.standby].compactMap { $0 }
        let ranking = origins.ranking(of: RankingKey(entry.stream)).map { origins.members[$0].id }
        return (holders + ranking).first { view.member($0).map { $0.health <= .suspect } ?? false }
    }

    /// The edges that a stream of a common audience has, and some.
    static let askedEdges = 8
    /// As many as a region's summary names, the first by name.
    static let mostDoors = 8
    /// Two answers may be enough; some may be dead.
    static let mostWitnesses = 8
}
