// SPDX-License-Identifier: Apache-2.0

import Bytes
import CDN
import Identity
import Logging
import Objects
import Signing
import Storage
import Telemetry
import Transport

/// Asks a CDN to forget a stream that is taken down.
///
/// It is asked twice: at once, and again when the last node that held the stream has let it go, as the CDN may meanwhile
/// have fetched something anew, and media is kept for good.
final class CachePurger: Sendable {
    private let client: OutboundClient
    private let url: String
    private let base: String
    private let method: String
    private let header: OutboundHeader?
    private let metrics: DeliveryMetrics
    private let log: StormLog

    /// nil where the CDN is not asked.
    init?(_ settings: CDNSettings, metrics: DeliveryMetrics, log: StormLog) {
        guard let url = settings.purgeURL?.revealed else { return nil }
        self.url = url
        base = settings.url ?? ""
        self.metrics = metrics
        self.log = log
        method = settings.purgeMethod
        let parts = settings.purgeHeader?.revealed.split(separator: ":", maxSplits: 1).map(String.init) ?? []
        header = parts.count == 2 ? OutboundHeader(parts[0], String(parts[1].drop { $0 == " " })) : nil
        var outbound = OutboundSettings()
        outbound.connectTimeout = .seconds(2)
        client = OutboundClient(outbound)
    }

    /// Begins to ask.
    func purge(_ stream: StreamID) {
        for delay in Self.delays {
            Task { [self] in
                try? await Task.sleep(for: delay)
                metrics.purged(await ask(stream) ? .done : .failed)
            }
        }
    }

    /// Ends what is under way.
    func stop() { client.close() }

    /// The URL of the request for a stream.
    func address(_ stream: StreamID) -> String {
        let path = "\(base)/\(PercentEncoding.path(stream.description))/"
        return url.replacing("{url}", with: PercentEncoding.component(path))
            .replacing("{key}", with: PercentEncoding.component(SurrogateKey(stream).text))
            .replacing("{app}", with: PercentEncoding.component(stream.app))
            .replacing("{name}", with: PercentEncoding.path(stream.name))
    }

    private func ask(_ stream: StreamID) async -> Bool {
        let request = OutboundRequest(method: method, url: address(stream), headers: header.map { [$0] } ?? [])
        var reason = ""
        for pause in Self.pauses {
            try? await Task.sleep(for: pause)
            do throws(StoreFailure) {
                let answer = try await client.send(request, timeout: .seconds(10), largest: .mebibytes(1))
                if (200..<300).contains(answer.status) { return true }
                reason = "status \(answer.status)"
            } catch {
                if case .cancelled = error { return false }
                reason = "\(error)"
            }
        }
        log.record(
            "the CDN does not forget a stream that was taken down", level: .error,
            metadata: ["stream": "\(stream)", "reason": "\(reason)"], now: SystemClock.now())
        return false
    }

    private static let delays: [Duration] = [.zero, .seconds(75)]
    private static let pauses: [Duration] = [.zero, .seconds(1), .seconds(5)]
}
