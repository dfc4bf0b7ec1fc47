// SPDX-License-Identifier: Apache-2.0

import Bytes
import Cluster
import Foundation
import Media
import NIOCore
import NIOPosix
import Objects
import SharedState
import Storage
import Telemetry
import Transport

/// Looks at this machine, and at what is around it, for a node with some settings: what those do not use is not looked at.
package struct Checkup {
    private let settings: NodeSettings

    /// For a node with these settings.
    package init(_ settings: NodeSettings) { self.settings = settings }

    /// All findings, the machine's first.
    package func findings() async -> [Finding] {
        let client = OutboundClient()
        defer { client.close() }
        var found = [
            MachineChecks.descriptors(ProcessFacts.descriptorLimit.raised, settings),
            MachineChecks.connections(settings),
        ]
        found += KernelSetting.all.filter { $0.matters(settings) }
            .map { MachineChecks.kernel($0, MachineReader.kernel($0.name)) }
        found += UsedPort.all(of: settings).map { MachineChecks.port($0, MachineReader.state(of: $0)) }
        found.append(await clock(client))
        found += await names()
        found += certificates()
        if let redis = settings.redisSettings {
            found.append(ServiceChecks.redis(Result { () throws(RedisFailure) in try RedisProbe.role(redis) }))
        }
        if settings.storage.kind != .none {
            found.append(ServiceChecks.store(await storeOutcome(client), settings.storage))
        }
        return found + (await seeds())
    }
}

// MARK: - The clock and names

extension Checkup {
    private func clock(_ client: OutboundClient) async -> Finding {
        var reading = ClockReading(isKept: MachineReader.clockIsKept)
        for (name, url) in timekeepers {
            let begin = SystemClock.wall()
            let request = OutboundRequest(method: "GET", url: url)
            let answer = try? await client.send(request, timeout: .seconds(2), largest: .mebibytes(1))
            guard let header = answer?.headers["date"], let theirs = HTTPDate.time(of: header) else {
                continue
            }
            reading.offsets.append((of: name, offset: .milliseconds(begin.milliseconds - theirs.milliseconds)))
        }
        return MachineChecks.clock(reading)
    }

    /// Whose clocks can be read by HTTP: the store's, and those of seeds whose port is as ours.
    private var timekeepers: [(name: String, url: String)] {
        var found: [(String, String)] = []
        if settings.storage.kind != .none, let endpoint = settings.storage.endpoint {
            found.append(("the store", endpoint))
        }
        guard settings.cluster.key != nil else { return found }
        let scheme = settings.http.tls.certificate == nil ? "http" : "https"
        for case .host(let host, _)? in sources.prefix(4).map({ $0.source }) {
            let place = host.contains(":") ? "[\(host)]" : host
            found.append((host, "\(scheme)://\(place):\(settings.http.port)/health"))
        }
        return found
    }

    private func names() async -> [Finding] {
        var used: [(host: String?, setting: String)] = [(settings.redis.server?.host, "redis.url")]
        for sentinel in settings.redis.sentinels {
            used.append((RedisServer(parsing: sentinel, defaultPort: 1)?.host, "redis.sentinels"))
        }
        if settings.storage.kind != .none { used.append((Self.host(settings.storage.endpoint), "storage.endpoint")) }
        used.append((Self.host(settings.cdn.purgeURL?.revealed), "cdn.purge_url"))
        used.append((Self.host(settings.node.viewerURL), "node.viewer_url"))
        used.append((Self.host(settings.node.publisherURL), "node.publisher_url"))
        var findings: [Finding] = []
        for case (let host?, let setting) in used where IPAddress(parsing: host) == nil {
            let addresses = await SeedSource.endpoints(of: [.host(host, port: 1)])
            findings.append(MachineChecks.name(host, of: setting, addresses.count))
        }
        return findings
    }

    private static func host(_ url: String?) -> String? {
        guard let host = url.flatMap({ URLComponents(string: $0)?.host }), !host.isEmpty else { return nil }
        return host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : host
    }
}

// MARK: - Certificates

extension Checkup {
    private func certificates() -> [Finding] {
        let now = SystemClock.wall()
        var findings: [Finding] = []
        if let files = settings.http.tls.files {
            let urls = [settings.node.viewerURL, settings.node.publisherURL].compactMap { $0 }
            let names = urls.filter { $0.hasPrefix("https:") || $0.hasPrefix("rtmps:") }.compactMap { Self.host($0) }
            let reading = CertificateReading(
                certificates: files.certificates, key: files.key, authority: nil, names: names)
            findings.append(ServiceChecks.certificate("http.tls.certificate", reading, now: now))
        }
        if settings.cluster.key != nil, let files = settings.cluster.relayTLS.files {
            let reading = CertificateReading(
                certificates: files.certificates, key: files.key, authority: settings.cluster.relayAuthority, names: [])
            findings.append(ServiceChecks.certificate("relay.tls.certificate", reading, now: now))
        }
        return findings
    }
}

extension CertificateReading {
    /// Reads a chain and its key, each of a PEM file.
    /// - Parameters:
    ///   - authority: a PEM file with who must have signed it; nil for no such rule.
    ///   - names: the names in use.
    package init(certificates: String, key: String, authority: String?, names: [String]) {
        do throws(CertificateChain.Failure) {
            let chain = try CertificateChain(path: certificates)
            guard let belongs = chain.belongs(to: key) else {
                self.init(.unreadable(key))
                return
            }
            var state: State = !belongs ? .wrongKey : chain.isWhole ? .right : .broken
            if state == .right, let authority {
                guard let signers = try? CertificateChain(path: authority) else {
                    self.init(.unreadable(authority))
                    return
                }
                if !chain.isSigned(by: signers) { state = .stranger }
            }
            self.init(state)
            begins = chain.begins
            ends = chain.ends
            missing = Array(Set(names.filter { !chain.bears($0) })).sorted()
        } catch {
            self.init(error == .empty ? .empty(certificates) : .unreadable(certificates))
        }
    }
}

// MARK: - The store and the seeds

extension Checkup {
    private func storeOutcome(_ client: OutboundClient) async -> StoreOutcome {
        let metrics = StoreMetrics(MetricRegistry(families: StoreMetrics.families))
        let store: any ObjectStore
        do {
            guard let opened = try settings.objectStore(client, metrics: metrics, attempts: 2) else {
                return .unsettled("no store")
            }
            store = opened
        } catch {
            return .unsettled("\(error)")
        }
        let name = "~doctor/\(ProcessFacts.hostName)-\(UInt64.random(in: 0 ... .max))"
        guard let key = ObjectKey(parsing: name) else { return .unsettled("no key: \(name)") }
        return await Self.tryOut(store, key)
    }

    private static func tryOut(_ store: any ObjectStore, _ key: ObjectKey) async -> StoreOutcome {
        let content = ObjectContent(Array("millrace doctor".utf8), mediaType: "text/plain")
        var step = "put"
        do throws(StoreFailure) {
            try await store.put(key, content, if: .absent)
            step = "a second put"
            do throws(StoreFailure) {
                try await store.put(key, content, if: .absent)
                try? await store.delete(key)
                return .overwrites
            } catch .conditionFailed {}
            step = "get"
            let isSame = try await store.get(key).bytes == content.bytes
            step = "delete"
            try await store.delete(key)
            return isSame ? .works : .failed("get", .corrupted)
        } catch {
            return .failed(step, error)
        }
    }

    /// The seeds as they are written, and what they mean.
    private var sources: [(text: String, source: SeedSource?)] {
        (settings.cluster.seeds + settings.cluster.remoteSeeds).map { text in
            (text, SeedSource(parsing: text, defaultPort: 7946))
        }
    }

    private func seeds() async -> [Finding] {
        var findings: [Finding] = []
        for (text, source) in sources {
            let addresses = await SeedSource.endpoints(of: [source].compactMap { $0 })
            var answering = 0
            for address in addresses.prefix(8) where await Self.answers(address) { answering += 1 }
            findings.append(ServiceChecks.seed(text, addresses: addresses.count, answering: answering))
        }
        return findings
    }

    private static func answers(_ place: Endpoint) async -> Bool {
        guard let address = try? SocketAddress(ipAddress: "\(place.address)", port: Int(place.port)) else {
            return false
        }
        let bootstrap = ClientBootstrap(group: NIOSingletons.posixEventLoopGroup).connectTimeout(.seconds(1))
        guard let channel = try? await bootstrap.connect(to: address).get() else { return false }
        try? await channel.close()
        return true
    }
}
