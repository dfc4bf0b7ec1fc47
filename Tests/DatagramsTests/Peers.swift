// SPDX-License-Identifier: Apache-2.0

import Cluster
import Datagrams
import Glibc
import Synchronization
import Telemetry
import Testing

/// What a thread's handler does in a test, and what it saw.
final class Recorder: DatagramHandler {
    let sender: DatagramSender
    private let log: DatagramLog
    var nextDeadline: Duration?

    init(_ sender: DatagramSender, log: DatagramLog) {
        self.sender = sender
        self.log = log
    }

    func receive(_ bytes: UnsafeMutableRawBufferPointer, from peer: DatagramAddress, now: Duration) {
        log.append(Array(bytes), peer)
        guard bytes.first == Self.echo else { return }
        bytes[0] = Self.echoed
        sender.append(to: peer, capacity: bytes.count) { place in
            place.copyMemory(from: UnsafeRawBufferPointer(bytes))
            return bytes.count
        }
    }

    func tick(now: Duration) {
        nextDeadline = nil
        log.append([], nobody)
    }

    let nobody = DatagramAddress(Endpoint(address: .v4(0), port: 0))
    static let echo = UInt8(ascii: "?")
    static let echoed = UInt8(ascii: "!")
}

/// The datagrams that came, in order; a test waits for a count of them.
final class DatagramLog: Sendable {
    private let state = Mutex<[(bytes: [UInt8], peer: DatagramAddress)]>([])

    func append(_ bytes: [UInt8], _ peer: DatagramAddress) { state.withLock { $0.append((bytes, peer)) } }

    var datagrams: [[UInt8]] { state.withLock { $0.map(\.bytes) } }
    var peers: [DatagramAddress] { state.withLock { $0.map(\.peer) } }

    /// Polls until so many are there; false after half a minute.
    func holds(_ count: Int) async -> Bool {
        for _ in 0..<15_000 where state.withLock({ $0.count }) < count { try? await Task.sleep(for: .milliseconds(2)) }
        return state.withLock { $0.count } >= count
    }
}

/// One thread under test with its log and its metrics.
struct Station: Sendable {
    let thread: DatagramThread<Recorder>
    let log = DatagramLog()
    let registry = MetricRegistry(families: DatagramMetrics.families)

    init(_ host: String = "127.0.0.1", change: (inout DatagramSettings) -> Void = { _ in }) throws {
        let address = try #require(IPAddress(parsing: host))
        var settings = DatagramSettings(local: Endpoint(address: address, port: 0), name: "test")
        change(&settings)
        let metrics = DatagramMetrics(registry, port: .rtp)
        thread = try DatagramThread(settings: settings, metrics: metrics) { [log] in Recorder($0, log: log) }
    }

    func address(_ host: String = "127.0.0.1") throws -> DatagramAddress {
        DatagramAddress(Endpoint(address: try #require(IPAddress(parsing: host)), port: thread.port))
    }

    /// The value of a series without its port, `sent_total` or `dropped_total{reason="full"}`.
    func count(_ name: String) -> Int {
        let text = String(decoding: registry.text(), as: UTF8.self)
        let wanted = name.replacing("{", with: "{port=\"rtp\",")
        let full = name.contains("{") ? wanted : "\(name){port=\"rtp\"}"
        let line = text.split(separator: "\n").first { $0.hasPrefix("millrace_datagram\(full) ") }
        return line.flatMap { Int($0.split(separator: " ").last ?? "") } ?? -1
    }

    /// Sends datagrams in one turn.
    func send(_ datagrams: [[UInt8]], to peer: DatagramAddress) {
        thread.submit { recorder, _ in
            for datagram in datagrams {
                recorder.sender.append(to: peer, capacity: datagram.count) { place in
                    place.copyBytes(from: datagram)
                    return datagram.count
                }
            }
        }
    }
}

/// Datagrams of these lengths, each filled with its number.
func numbered(_ lengths: [Int]) -> [[UInt8]] {
    lengths.enumerated().map { [UInt8](repeating: UInt8(truncatingIfNeeded: $0.offset), count: $0.element) }
}
