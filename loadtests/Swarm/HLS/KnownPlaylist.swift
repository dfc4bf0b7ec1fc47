// SPDX-License-Identifier: Apache-2.0

import Bytes

/// A playlist that was read once for all viewers who are given the same bytes, with what each of them wants to know.
final class KnownPlaylist: Sendable {
    let body: ByteSlice
    let list: HLSPlaylist
    /// What a player of parts fetches.
    let units: [HLSUnit]
    /// What a player of whole segments fetches.
    let wholes: [HLSUnit]
    let pathways: [HLSPathway]
    let hint: String?

    init(_ body: ByteSlice) throws(HLSPlaylist.Failure) {
        let list = try HLSPlaylist(body)
        self.body = body
        self.list = list
        units = list.units
        wholes = list.wholeSegments
        pathways = list.pathways
        hint = list.hint.map(list.string)
    }

    /// What such a player fetches.
    func units(isLowLatency: Bool) -> [HLSUnit] { isLowLatency ? units : wholes }

    /// The first place that is not listed yet.
    func next(isLowLatency: Bool) -> MediaPosition {
        guard !isLowLatency else { return list.next }
        guard let last = wholes.last else { return MediaPosition(msn: list.firstMSN, part: 0) }
        return MediaPosition(msn: last.position.msn &+ 1, part: 0)
    }

    /// Where a player begins: at the last unit that it can begin with and that lies far enough behind the end, and how
    /// far into it; hls.js plays exactly the hold-back behind the end, and shows nothing before.
    func start(isLowLatency: Bool) -> (index: Int, offset: Duration) {
        let units = units(isLowLatency: isLowLatency)
        let distance = holdBack(isLowLatency: isLowLatency)
        var behind: Duration = .zero
        for index in units.indices.reversed() {
            behind += units[index].duration
            if behind >= distance, units[index].isIndependent { return (index, behind - distance) }
        }
        return (units.startIndex, .zero)
    }

    /// How far behind the end a player plays: RFC 8216bis §4.4.3.8, with its defaults.
    private func holdBack(isLowLatency: Bool) -> Duration {
        if isLowLatency, let partTarget = list.partTarget { return list.partHoldBack ?? partTarget * 3 }
        return list.holdBack ?? list.targetDuration * 3
    }
}
