// SPDX-License-Identifier: Apache-2.0

import Feed
import Media
import Origin
import Synchronization
import Telemetry
import Transport

/// Bits a second in and out, and the share of the processors in use, as means over the last ten seconds.
final class TrafficMeter: Sendable {
    private let samples = Mutex<[(bytesIn: Int, bytesOut: Int, processorTime: Duration)]>([])

    /// Takes the counters' present values; call once a second.
    func note(bytesIn: Int, bytesOut: Int, processorTime: Duration) {
        samples.withLock { samples in
            samples.append((bytesIn, bytesOut, processorTime))
            if samples.count > 11 { samples.removeFirst() }
        }
    }

    /// The rates now; `processor` is 0 to 1.
    var rates: (bitsIn: Double, bitsOut: Double, processor: Double) {
        samples.withLock { samples in
            guard let first = samples.first, let last = samples.last, samples.count > 1 else { return (0, 0, 0) }
            let seconds = Double(samples.count - 1)
            return (
                Double((last.bytesIn - first.bytesIn) * 8) / seconds,
                Double((last.bytesOut - first.bytesOut) * 8) / seconds,
                min(1, (last.processorTime - first.processorTime).seconds / seconds / Double(ProcessLimits.processors))
            )
        }
    }
}

extension TrafficMeter {
    /// How much of a node of so many Mbit/s is in use, 0 to 1 and over.
    func use(of capacity: Int) -> Double {
        let rates = rates
        return max(rates.bitsOut / Double(capacity * 1_000_000), rates.processor)
    }
}

extension NodeAssembly {
    /// Brings the gauges up to date; call once a second.
    func measure() {
        metrics.streams.set(streams.all.count)
        metrics.publishers.set(streams.publisherCount)
        certificates.measure(now: SystemClock.wall())
        metrics.uptime.set(SystemClock.now() - startTime)
        traffic.note(
            bytesIn: metrics.rtmpReceived.value, bytesOut: metrics.sentToViewers,
            processorTime: ProcessFacts.processorTime)
        metrics.process.measure(settings, use: use)
        for mendings in streams.takeMendings() { metrics.note(mendings) }
    }
}
