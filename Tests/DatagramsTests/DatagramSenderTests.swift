// SPDX-License-Identifier: Apache-2.0

import Cluster
import Datagrams
import Glibc
import Testing

@Suite("A datagram sender") struct DatagramSenderTests {
    @Test(
        "sends equal datagrams, and one that is shorter behind them, as one message",
        arguments: [
            ([1200, 1200, 1200, 1200, 1200, 1200, 1200, 700], 1), ([300], 1), ([100, 200], 2), ([200, 100, 100], 2),
            ([Int](repeating: 100, count: 65), 2), ([Int](repeating: 1200, count: 60), 2),
        ])
    func segments(lengths: [Int], messages: Int) async throws {
        let (station, viewer) = (try Station(), try Station())
        station.send(numbered(lengths), to: try viewer.address())
        #expect(await viewer.log.holds(lengths.count))
        #expect(viewer.log.datagrams == numbered(lengths))
        #expect(station.count("_messages_total") == messages)
        #expect(station.count("s_sent_total") == lengths.count)
        #expect(station.count("s_sent_bytes_total") == lengths.reduce(0, +))
    }

    @Test("does not mix peers")
    func twoPeers() async throws {
        let (station, one, other) = (try Station(), try Station(), try Station())
        let (first, second) = (try one.address(), try other.address())
        station.thread.submit { recorder, _ in
            for number in UInt8(0)..<10 {
                recorder.sender.append(to: number % 2 == 0 ? first : second, capacity: 1) { place in
                    place[0] = number
                    return 1
                }
            }
        }
        #expect(await one.log.holds(5))
        #expect(await other.log.holds(5))
        #expect(one.log.datagrams == [[0], [2], [4], [6], [8]])
        #expect(other.log.datagrams == [[1], [3], [5], [7], [9]])
    }

    @Test("sends one by one where it may not segment")
    func switchedOff() async throws {
        let (station, viewer) = (try Station { $0.segmentation = false }, try Station())
        station.send(numbered([Int](repeating: 500, count: 100)), to: try viewer.address())
        #expect(await viewer.log.holds(100))
        #expect(viewer.log.datagrams == numbered([Int](repeating: 500, count: 100)))
        #expect(station.count("_messages_total") == 100)
        #expect(station.count("_plain_senders") == 1)
    }

    @Test("sends one by one for ever once the kernel refused")
    func fallsBack() async throws {
        let (station, viewer) = (try Station(), try Station())
        try forbidSegments(port: station.thread.port)
        for round in 1...2 {
            station.send(numbered([Int](repeating: 500, count: 8)), to: try viewer.address())
            #expect(await viewer.log.holds(8 * round))
        }
        #expect(
            viewer.log.datagrams == numbered([Int](repeating: 500, count: 8))
                + numbered([Int](repeating: 500, count: 8)))
        #expect(station.count("_messages_total") == 16)
        #expect(station.count("_plain_senders") == 1)
        #expect(station.count("s_dropped_total{reason=\"refused\"}") == 0)
    }

    @Test("sends what it is lent to many without a copy")
    func lends() async throws {
        let station = try Station()
        let viewers = try (0..<100).map { _ in try Station() }
        let peers = try viewers.map { try $0.address() }
        let burst = [UInt8](repeating: 1, count: 3000) + [UInt8](repeating: 2, count: 400)
        station.thread.submit { recorder, _ in
            burst.withUnsafeBytes { bytes in
                for peer in peers { recorder.sender.append(to: peer, lending: bytes, segment: 1000) }
                recorder.sender.flush()
            }
        }
        for viewer in viewers {
            #expect(await viewer.log.holds(4))
            #expect(viewer.log.datagrams.joined().elementsEqual(burst))
            #expect(viewer.log.datagrams.map(\.count) == [1000, 1000, 1000, 400])
        }
        #expect(station.count("_messages_total") == 100)
    }

    @Test("sends on what follows a datagram that the kernel refuses")
    func refused() async throws {
        let (station, viewer) = (try Station(), try Station())
        let target = try viewer.address()
        let nowhere = DatagramAddress(Endpoint(address: .v4(0x7F00_0001), port: 0))
        station.thread.submit { recorder, _ in
            for peer in [target, nowhere, target] {
                recorder.sender.append(to: peer, capacity: 9) { _ in 9 }
            }
        }
        #expect(await viewer.log.holds(2))
        #expect(station.count("s_dropped_total{reason=\"refused\"}") == 1)
        #expect(station.count("s_sent_total") == 2)
    }

    @Test("sends more than its slab holds, as long as the kernel takes it")
    func smallSlab() async throws {
        let (station, viewer) = (try Station { $0.slab = 65_507 }, try Station())
        let sent = numbered([Int](repeating: 1000, count: 500))
        station.send(sent, to: try viewer.address())
        #expect(await viewer.log.holds(500))
        #expect(viewer.log.datagrams == sent)
    }

    @Test("drops a frame whole that has no room")
    func noRoom() async throws {
        let (station, viewer) = (try Station { $0.slab = 65_507 }, try Station())
        let target = try viewer.address()
        let outcome = await withCheckedContinuation { continuation in
            station.thread.submit { recorder, _ in
                let large = recorder.sender.admit(datagrams: 55, bytes: 65_508)
                let small = recorder.sender.append(to: target, capacity: 65_507) { _ in 10 }
                continuation.resume(returning: (large, small))
            }
        }
        #expect(outcome == (false, true))
        #expect(await viewer.log.holds(1))
        #expect(station.count("s_dropped_total{reason=\"full\"}") == 1)
    }

    /// A socket without checksums is one for which Linux refuses UDP_SEGMENT; found among this process's descriptors.
    private func forbidSegments(port: UInt16) throws {
        for descriptor in Int32(0)..<4096 {
            var address = sockaddr_in6()
            var size = socklen_t(MemoryLayout<sockaddr_in6>.size)
            let isSocket = withUnsafeMutableBytes(of: &address) {
                getsockname(descriptor, $0.baseAddress?.assumingMemoryBound(to: sockaddr.self), &size) == 0
            }
            guard isSocket, UInt16(bigEndian: address.sin6_port) == port else { continue }
            var one: Int32 = 1
            #expect(setsockopt(descriptor, SOL_SOCKET, SO_NO_CHECK, &one, socklen_t(MemoryLayout<Int32>.size)) == 0)
            return
        }
        Issue.record("no socket at \(port)")
    }
}

@Suite("A datagram address") struct DatagramAddressTests {
    @Test(
        "is the endpoint that it was made of",
        arguments: ["0.0.0.0", "127.0.0.1", "192.0.2.1", "255.255.255.255", "::", "::1", "2001:db8::1", "fe80::1"])
    func roundTrip(text: String) throws {
        let endpoint = Endpoint(address: try #require(IPAddress(parsing: text)), port: 0x1234)
        let address = DatagramAddress(endpoint)
        #expect(address.endpoint == endpoint)
        #expect(address.port == 0x1234)
        #expect(address.isIPv4 == !text.contains(":"))
        #expect(address.isLoopback == ["127.0.0.1", "::1"].contains(text))
        #expect(address.description == endpoint.description)
    }

    @Test("is small") func size() { #expect(MemoryLayout<DatagramAddress>.stride <= 24) }
}
