// SPDX-License-Identifier: Apache-2.0

/// When which missing packets are asked for, by NACK (RFC 4585 §6.2.1).
extension ReorderBuffer {
    /// The numbers to ask for now, in order, as many as one message holds; they count as asked for.
    public mutating func requests(now: Duration) -> [UInt16] {
        guard !holes.isEmpty, settings.maximumRequests > 0 else { return [] }
        var numbers: [UInt16] = []
        for index in holes.indices where numbers.count < Self.longestList {
            guard let due = due(holes[index]), now >= due else { continue }
            numbers.append(UInt16(truncatingIfNeeded: holes[index].sequence))
            holes[index].asked = now
            holes[index].requests += 1
        }
        return numbers
    }

    /// When to look again: a hole is to be given up, or a packet to be asked for.
    public var nextDeadline: Duration? {
        guard let first = holes.first else { return nil }
        var deadline = first.noticed + settings.patience
        for hole in holes { deadline = min(deadline, due(hole) ?? deadline) }
        return deadline
    }

    /// When a packet is to be asked for; nil where it was asked for often enough.
    private func due(_ hole: Hole) -> Duration? {
        guard hole.requests < settings.maximumRequests else { return nil }
        guard let asked = hole.asked else { return hole.noticed + settings.requestDelay }
        return asked + max(settings.requestInterval, roundTrip ?? .zero)
    }

    /// As many entries as fit a datagram even where no two share one.
    private static let longestList = 128
}
