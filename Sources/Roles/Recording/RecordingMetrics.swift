// SPDX-License-Identifier: Apache-2.0

public import Telemetry

/// What a node measures of its recordings.
public struct RecordingMetrics: Sendable {
    private let recorders: Gauge
    private let finished: Counter
    private let fenced: Counter
    private let mismatches: Counter
    private let deleted: Counter

    /// The handles in `registry`.
    public init(_ registry: MetricRegistry) {
        recorders = registry.gauge(Self.recorderFamily)
        finished = registry.counter(Self.finishedFamily)
        fenced = registry.counter(Self.fencedFamily)
        mismatches = registry.counter(Self.mismatchFamily)
        deleted = registry.counter(Self.deletedFamily)
    }

    func recorders(by change: Int) { recorders.add(change) }

    func ended() { finished.add() }

    func refused() { fenced.add() }

    func mismatched() { mismatches.add() }

    func removed() { deleted.add() }

    /// All families, for the registry.
    public static let families = [deletedFamily, fencedFamily, finishedFamily, mismatchFamily, recorderFamily]

    private static let recorderFamily = MetricFamily(
        "millrace_recorders_active", .gauge, help: "Streams that this node writes to the object store now.")
    private static let finishedFamily = MetricFamily(
        "millrace_recordings_finished_total", .counter,
        help: "Recordings that were written whole, with EXT-X-ENDLIST.")
    private static let fencedFamily = MetricFamily(
        "millrace_recorders_fenced_total", .counter,
        help: "Recorders that ended because a higher term had written a playlist of theirs.")
    private static let mismatchFamily = MetricFamily(
        "millrace_recording_mismatches_total", .counter,
        help: "Segments that were not stored because they are not what their gateway stated: must stay 0.")
    private static let deletedFamily = MetricFamily(
        "millrace_recordings_deleted_total", .counter, help: "Recordings that were deleted, by wish or by age.")
}
