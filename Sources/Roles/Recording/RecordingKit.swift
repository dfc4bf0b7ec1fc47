// SPDX-License-Identifier: Apache-2.0

public import Logging
public import Media
public import Replica
public import Storage
public import Telemetry

/// What all recorders of a node share.
public struct RecordingKit: Sendable {
    /// Where recordings are: without retries of its own, as each uploader decides when something is tried again.
    public let store: any ObjectStore
    /// Where waiting segments go when memory is full; nil for nowhere.
    public let disk: (any ObjectStore)?
    /// How streams are recorded.
    public let settings: RecordingSettings
    /// Whether the store takes what it should.
    public let alarm: StoreAlarm
    let uploads: UploadMetrics
    let metrics: RecordingMetrics
    let log: Logger
    let tracer: NodeTracer?
    let now: @Sendable () -> WallTime

    /// A kit of its parts; `now` reads the civil time, and spans of uploads go to `tracer`.
    public init(
        store: any ObjectStore, disk: (any ObjectStore)?, settings: RecordingSettings, registry: MetricRegistry,
        log: Logger, tracer: NodeTracer? = nil, now: @escaping @Sendable () -> WallTime
    ) {
        self.store = store
        self.disk = disk
        self.settings = settings
        self.log = log
        self.tracer = tracer
        self.now = now
        alarm = StoreAlarm(log: log)
        uploads = UploadMetrics(registry)
        metrics = RecordingMetrics(registry)
    }

    /// A recording was deleted by somebody's wish.
    public func noteRemoval(of name: RecordingName) {
        metrics.removed()
        log.info("recording deleted", metadata: ["recording": "\(name)"])
    }
}
