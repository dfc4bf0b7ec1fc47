// SPDX-License-Identifier: Apache-2.0

import Feed
import Origin
import Synchronization
import Telemetry
import Transport

/// Bits a second in and out, as the mean over the last ten seconds.
final class TrafficMeter: Sendable {
    private let samples = Mutex<[(bytesIn: Int, bytesOut: Int)]>([])

    /// Takes the counters' present values; call once a second.
    func note(bytesIn: Int, bytesOut: Int) {
        samples.withLock { samples in
            samples.append((bytesIn, bytesOut))
            if samples.count > 11 { samples.removeFirst() }
        }
    }

    /// The rates now.
    var rates: (bitsIn: Double, bitsOut: Double) {
        samples.withLock { samples in
            guard let first = samples.first, let last = samples.last, samples.count > 1 else { return (0, 0) }
            let seconds = Double(samples.count - 1)
            return (
                Double((last.bytesIn - first.bytesIn) * 8) / seconds,
                Double((last.bytesOut - first.bytesOut) * 8) / seconds
            )
        }
    }
}

extension NodeAssembly {
    /// Brings the gauges up to date; call once a second.
    func measure() {
        metrics.streams.set(streams.all.count)
        metrics.publishers.set(streams.publisherCount)
        metrics.memory.set(ProcessFacts.residentMemory)
        metrics.uptime.set(SystemClock.now() - startTime)
        traffic.note(
            bytesIn: metrics.rtmpReceived.value, bytesOut: metrics.rtmpSent.value + metrics.mediaSent.value)
        for mendings in streams.takeMendings() { metrics.note(mendings) }
    }
}
