// SPDX-License-Identifier: Apache-2.0

import Cluster
import Datagrams
import Fanout
import Glibc
import PlainRTP
import Telemetry
import Transport

/// What the fan-out of plain RTP does: one session, subscribers whose ports come by standard input, and a source that
/// sends as fast as the fan-out forwards. Arguments: seconds, packets of a burst, bytes of a packet. Prints packets sent,
/// seconds, and seconds on a processor, those of the source among them.
@main
enum PlainRTPBenchmark {
    static func main() throws {
        let numbers = CommandLine.arguments.dropFirst().compactMap { Int($0) }
        guard numbers.count == 3 else { fatalError("millrace-bench-rtp SECONDS BURST LENGTH, ports by standard input") }
        let (seconds, burst, length) = (numbers[0], numbers[1], numbers[2])
        var ports: [UInt16] = []
        while let text = readLine() { if let port = UInt16(text) { ports.append(port) } }
        let registry = MetricRegistry(families: PlainRTPMetrics.families + DatagramMetrics.families)
        var limits = FanoutSettings()
        limits.maximumSubscribers = ports.count
        // The marked packet ends a burst; a source that others keep from its core must not.
        let desk = try FanoutDesk.start(
            PlainRTPSettings(
                local: Endpoint(address: loopback, port: 0), threads: 1, hold: .milliseconds(100), allowed: .loopback,
                fanout: limits),
            metrics: PlainRTPMetrics(registry), datagrams: DatagramMetrics(registry, port: .rtp))
        let source = Source(to: desk.port, burst: burst, length: length)
        let session = try desk.create(
            source: Endpoint(address: loopback, port: 0), ssrc: Source.ssrc, mediaType: .video)
        for port in ports { try desk.subscribe(Endpoint(address: loopback, port: port), to: session.id) }
        let (begin, busy) = (now(CLOCK_MONOTONIC), now(CLOCK_PROCESS_CPUTIME_ID))
        var sent = 0
        while now(CLOCK_MONOTONIC) - begin < Double(seconds) {
            // Two bursts on their way, so that the fan-out never waits for the source.
            while (desk.session(session.id)?.counters.packetsReceived ?? 0) < sent - burst { usleep(100) }
            source.send()
            sent += burst
        }
        while (desk.session(session.id)?.counters.packetsReceived ?? 0) < sent { usleep(100) }
        let counters = desk.session(session.id)?.counters
        print(counters?.packetsSent ?? 0, now(CLOCK_MONOTONIC) - begin, now(CLOCK_PROCESS_CPUTIME_ID) - busy)
        desk.stop()
    }

    static let loopback = IPAddress.v4(0x7F00_0001)

    private static func now(_ clock: clockid_t) -> Double {
        var time = timespec()
        clock_gettime(clock, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}

/// A source of RTP: bursts whose last packet is marked.
private struct Source {
    private let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
    private let packets: [[UInt8]]
    private let address: sockaddr_in

    static let ssrc: UInt32 = 0x0102_0304

    init(to port: UInt16, burst: Int, length: Int) {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        self.address = address
        packets = (0..<burst).map { number in
            let head: [UInt8] = [0x80, number == burst - 1 ? 0xE0 : 0x60, 0, UInt8(number), 0, 0, 0, 0, 1, 2, 3, 4]
            return head + [UInt8](repeating: 0, count: length - head.count)
        }
    }

    func send() {
        withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                for packet in packets {
                    _ = sendto(
                        descriptor, packet, packet.count, 0, address, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
        }
    }
}
