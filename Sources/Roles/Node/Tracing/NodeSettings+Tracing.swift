// SPDX-License-Identifier: Apache-2.0

package import OTLP
import Objects

extension NodeSettings {
    /// How spans wait for the collector.
    package var spanExportSettings: SpanExportSettings {
        var settings = SpanExportSettings()
        settings.queue = tracing.queue
        settings.batch = min(settings.batch, tracing.queue)
        return settings
    }
}

extension TracingSettings {
    /// What says to the collector who exports.
    var collectorHeaders: [OutboundHeader] {
        guard let parts = header?.revealed.split(separator: ":", maxSplits: 1).map(String.init), parts.count == 2 else {
            return []
        }
        return [OutboundHeader(parts[0], String(parts[1].drop { $0 == " " }))]
    }
}
