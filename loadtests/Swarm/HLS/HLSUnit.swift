// SPDX-License-Identifier: Apache-2.0

/// The smallest that a viewer fetches and plays: a part, or a whole segment whose parts are not listed.
struct HLSUnit: Hashable, Sendable {
    let position: MediaPosition
    let isWhole: Bool
    let uri: String
    let duration: Duration
    /// Whether a player may begin with it.
    let isIndependent: Bool
    /// Whether there is nothing to fetch.
    let isGap: Bool
    let initSection: String?
}

/// A place where a stream's media playlist can be had.
struct HLSPathway: Hashable, Sendable {
    /// Its PATHWAY-ID.
    let id: String
    /// The first variant's playlist there.
    let uri: String
}

extension HLSPlaylist {
    /// Everything listed, each part by itself.
    var units: [HLSUnit] {
        segments.flatMap { segment in
            segment.parts.isEmpty ? whole(segment).map { [$0] } ?? [] : parts(of: segment)
        }
    }

    /// Every whole segment.
    var wholeSegments: [HLSUnit] { segments.compactMap(whole) }

    /// Each pathway with its first variant, in the order of the playlist.
    var pathways: [HLSPathway] {
        var found: [HLSPathway] = []
        for variant in variants {
            let id = variant.pathway.map(string) ?? "."
            guard !found.contains(where: { $0.id == id }) else { continue }
            found.append(HLSPathway(id: id, uri: string(variant.uri)))
        }
        return found
    }

    private func whole(_ segment: Segment) -> HLSUnit? {
        guard let uri = segment.uri else { return nil }
        return HLSUnit(
            position: MediaPosition(msn: segment.msn, part: 0), isWhole: true, uri: string(uri),
            duration: segment.duration, isIndependent: true, isGap: segment.isGap,
            initSection: segment.initSection.map(string))
    }

    private func parts(of segment: Segment) -> [HLSUnit] {
        let initSection = segment.initSection.map(string)
        return segment.parts.enumerated().map { index, part in
            HLSUnit(
                position: MediaPosition(msn: segment.msn, part: index), isWhole: false, uri: string(part.uri),
                duration: part.duration, isIndependent: part.isIndependent, isGap: part.isGap || segment.isGap,
                initSection: initSection)
        }
    }
}
