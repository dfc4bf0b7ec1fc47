// SPDX-License-Identifier: Apache-2.0

public import Media

/// Brings a publisher's sources onto one clock.
///
/// Each source's timestamps begin anywhere. At first each is placed by the arrival of its first packet; sender reports
/// then tell how the sources really stand to each other (RFC 3550 §6.4.1). The *leader*, the first of video that came or
/// else of audio, is never moved: of layers the smallest comes first, and a larger one moves it not. The others are moved at once when it is first known by how much, and later, when
/// clocks drift, by no more than 5 ms a report, unless they are off by half a second.
public struct SourceClockTable: Sendable {
    private var entries: [Entry] = []

    private struct Entry {
        let source: ReceiveSource
        let timescale: Timescale
        let isVideo: Bool
        /// Common time minus the source's, in nanoseconds.
        var offset: Int64
        /// Civil time by the publisher minus the source's time, in nanoseconds; nil before the first report.
        var civil: Int64?
        /// Whether it was moved to where the reports say.
        var isSettled = false
    }

    /// No sources yet.
    public init() {}

    /// The time of a packet on the publisher's common clock, in ticks of the codec's clock.
    public mutating func time(_ packet: ReceivedPacket, now: Duration) -> MediaTime {
        time(of: packet.timestamp, packet.source, packet.codec, now: now)
    }

    /// The time of a unit whose packets came.
    public mutating func time(
        of timestamp: Int64, _ source: ReceiveSource, _ codec: RTPCodec, now: Duration
    ) -> MediaTime {
        let entry = entry(source, codec, timestamp, now: now)
        let offset = MediaTime(ticks: entry.offset, timescale: .nanoseconds).converted(to: codec.timescale)
        return MediaTime(ticks: timestamp &+ offset.ticks, timescale: codec.timescale)
    }

    /// Takes what a source reports of its clock. A source of which no packet came yet is passed over.
    public mutating func receive(_ report: ClockReport, of source: ReceiveSource) {
        guard let index = entries.firstIndex(where: { $0.source == source }) else { return }
        let time = MediaTime(ticks: report.timestamp, timescale: entries[index].timescale)
        let civil = report.time.elapsed(since: NTPTime(bits: 0)).ticks(.nanoseconds)
        entries[index].civil = civil &- time.converted(to: .nanoseconds).ticks
        guard let leader = entries.first(where: \.isVideo) ?? entries.first, let reference = leader.civil else {
            return
        }
        for index in entries.indices where entries[index].source != leader.source {
            guard let civil = entries[index].civil else { continue }
            move(index, to: leader.offset &- reference &+ civil)
        }
    }

    /// A source began anew: its timestamps stand elsewhere.
    public mutating func forget(_ source: ReceiveSource) { entries.removeAll { $0.source == source } }

    private mutating func move(_ index: Int, to offset: Int64) {
        let step = offset &- entries[index].offset
        if entries[index].isSettled, step.magnitude < Self.longestError {
            entries[index].offset &+= max(-Self.longestStep, min(Self.longestStep, step))
        } else {
            entries[index].offset = offset
            entries[index].isSettled = true
        }
    }

    private mutating func entry(
        _ source: ReceiveSource, _ codec: RTPCodec, _ timestamp: Int64, now: Duration
    ) -> Entry {
        if let entry = entries.first(where: { $0.source == source && $0.timescale == codec.timescale }) { return entry }
        entries.removeAll { $0.source == source }
        let time = MediaTime(ticks: timestamp, timescale: codec.timescale).converted(to: .nanoseconds)
        let entry = Entry(
            source: source, timescale: codec.timescale, isVideo: codec.isVideo,
            offset: now.ticks(.nanoseconds) &- time.ticks)
        entries.append(entry)
        return entry
    }

    private static let longestStep: Int64 = 5_000_000
    private static let longestError: UInt64 = 500_000_000
}
