// SPDX-License-Identifier: Apache-2.0

import Media
import Synchronization
import Telemetry
import Transport

/// What a node measures of its process, of what it may carry, and of its certificates.
struct ProcessMetrics: Sendable {
    private let processor: Counter
    private let memory: Gauge
    private let descriptors: Gauge
    private let descriptorLimit: Gauge
    private let capacityBits: Gauge
    private let capacityViewers: Gauge
    private let use: Gauge

    init(_ registry: MetricRegistry) {
        processor = registry.counter(Self.processorFamily)
        memory = registry.gauge(Self.memoryFamily)
        descriptors = registry.gauge(Self.descriptorFamily)
        descriptorLimit = registry.gauge(Self.limitFamily)
        capacityBits = registry.gauge(Self.bitFamily)
        capacityViewers = registry.gauge(Self.viewerFamily)
        use = registry.gauge(Self.useFamily)
    }

    /// Reads the process; call once a second.
    /// - Parameter share: how much of the node is in use, 0 to 1 and over.
    func measure(_ settings: NodeSettings, use share: Double) {
        processor.add(max(.zero, ProcessFacts.processorTime - .nanoseconds(processor.value)))
        memory.set(ProcessFacts.residentMemory)
        descriptors.set(OpenDescriptors.count)
        descriptorLimit.set(Int(clamping: ProcessFacts.descriptorLimit.now))
        capacityBits.set(settings.node.capacity * 1_000_000)
        capacityViewers.set(settings.limits.viewers)
        use.set(Int(min(share, 100) * 100))
    }

    private static let processorFamily = MetricFamily(
        "millrace_processor_seconds_total", .counter, unit: .seconds, help: "Processor time of the process.")
    private static let memoryFamily = MetricFamily(
        "millrace_resident_memory_bytes", .gauge, unit: .bytes, help: "The resident set of the process.")
    private static let descriptorFamily = MetricFamily(
        "millrace_open_descriptors", .gauge, help: "Files and sockets that the process has open.")
    private static let limitFamily = MetricFamily(
        "millrace_open_descriptors_limit", .gauge, help: "Files and sockets that the process may have open.")
    private static let bitFamily = MetricFamily(
        "millrace_capacity_bits", .gauge, help: "What the node may send to viewers a second: node.capacity, in bits.")
    private static let viewerFamily = MetricFamily(
        "millrace_capacity_viewers", .gauge, help: "How many viewers the node may have: limits.viewers.")
    private static let useFamily = MetricFamily(
        "millrace_capacity_used_percent", .gauge,
        help: "How much of the node is in use: what it sends of its capacity, or its processors, whichever is more.")

    static let families = [
        processorFamily, memoryFamily, descriptorFamily, limitFamily, bitFamily, viewerFamily, useFamily,
    ]
}

/// Until when the certificates of a node are good, as a metric; a node without any has no series.
final class CertificateMetrics: Sendable {
    private let files: [(use: String, path: String)]
    private let registry: MetricRegistry
    private let ends = Mutex<[String: WallTime]>([:])

    /// Reads the certificates.
    init(_ settings: NodeSettings, _ registry: MetricRegistry) {
        let relay = settings.cluster.key == nil ? nil : settings.cluster.relayTLS.certificate
        files = [("http", settings.http.tls.certificate), ("relay", relay)].compactMap { use, path in
            path.map { (use: use, path: $0) }
        }
        self.registry = registry
        for (use, _) in files { read(use) }
    }

    /// Reads one of them from its file; what can not be read leaves what was.
    func read(_ use: String) {
        guard let path = files.first(where: { $0.use == use })?.path,
            let chain = try? CertificateChain(path: path)
        else { return }
        ends.withLock { $0[use] = chain.ends }
    }

    /// Brings the series up to date; call once a second.
    func measure(now: WallTime) {
        for (use, end) in ends.withLock({ $0 }) {
            registry.gauge(Self.family, use).set(.milliseconds(end.milliseconds - now.milliseconds))
        }
    }

    private static let family = MetricFamily(
        "millrace_certificate_expiry_seconds", .gauge, unit: .seconds, labels: [.oneOf("use", ["http", "relay"])],
        help: "Until the first certificate of a chain ends; below 0 once it has.")
    static let families = [family]
}
