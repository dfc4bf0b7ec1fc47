// SPDX-License-Identifier: Apache-2.0

import Cluster
import Datagrams
import Glibc
import Synchronization
import Testing

@Suite("A datagram thread") struct DatagramThreadTests {
    @Test("answers over IPv4 and IPv6", arguments: [("127.0.0.1", "127.0.0.1"), ("::1", "::1"), ("::", "127.0.0.1")])
    func echo(local: String, remote: String) async throws {
        let station = try Station(local)
        let caller = try Station(remote)
        caller.send([Array("?hello".utf8)], to: try station.address(remote))
        #expect(await caller.log.holds(1))
        #expect(caller.log.datagrams == [Array("!hello".utf8)])
        #expect(station.log.peers == [try caller.address(remote)])
        #expect(caller.log.peers == [try station.address(remote)])
    }

    @Test("refuses a port that is taken, unless both share it")
    func takenPort() throws {
        let first = try Station { $0.isShared = true }
        let port = first.thread.port
        #expect(throws: DatagramFailure.self) {
            _ = try Station { $0.local = Endpoint(address: .v4(0x7F00_0001), port: port) }
        }
        let second = try Station {
            $0.local = Endpoint(address: .v4(0x7F00_0001), port: port)
            $0.isShared = true
        }
        #expect(second.thread.port == port)
    }

    @Test("runs what is submitted in order, from any thread")
    func order() async throws {
        let station = try Station()
        let (log, thread) = (station.log, station.thread)
        let callers = UInt8(0)..<4
        await withTaskGroup { group in
            for caller in callers {
                group.addTask {
                    for number in UInt8.min...UInt8.max {
                        thread.submit { recorder, _ in log.append([caller, number], recorder.nobody) }
                    }
                }
            }
        }
        thread.stop()
        for caller in callers {
            #expect(log.datagrams.filter { $0[0] == caller }.map { $0[1] } == Array(UInt8.min...UInt8.max))
        }
    }

    @Test("takes no more calls than its inbox holds, and says so")
    func fullInbox() throws {
        let station = try Station { $0.inbox = 3 }
        let gate = Mutex(())
        let isHeld = Atomic(false)
        gate.withLock { _ in
            station.thread.submit { _, _ in
                isHeld.store(true, ordering: .releasing)
                gate.withLock { _ in }
            }
            while !isHeld.load(ordering: .acquiring) { sched_yield() }
            let taken = (0..<5).map { _ in station.thread.submit { _, _ in } }
            #expect(taken == [true, true, true, false, false])
        }
        #expect(station.count("s_dropped_total{reason=\"inbox\"}") == 2)
    }

    @Test("calls its handler at its deadline")
    func deadline() async throws {
        let station = try Station()
        station.thread.submit { recorder, now in recorder.nextDeadline = now + .milliseconds(20) }
        #expect(await station.log.holds(1))
        #expect(station.log.datagrams == [[]])
    }

    @Test("does what waits before it stops, and nothing after")
    func stops() throws {
        let station = try Station()
        let count = Atomic(0)
        for _ in 0..<100 { station.thread.submit { _, _ in count.wrappingAdd(1, ordering: .relaxed) } }
        station.thread.stop()
        #expect(count.load(ordering: .relaxed) == 100)
        #expect(!station.thread.submit { _, _ in })
        station.thread.stop()
    }

    @Test("takes apart what the kernel gives at once")
    func coalesced() async throws {
        let station = try Station()
        let caller = try Station()
        let sent = numbered([Int](repeating: 900, count: 20) + [300])
        caller.send(sent, to: try station.address())
        #expect(await station.log.holds(sent.count))
        #expect(station.log.datagrams == sent)
        #expect(station.count("s_received_total") == sent.count)
        #expect(station.count("s_received_bytes_total") == 20 * 900 + 300)
        #expect(station.count("_receive_calls_total") == 1)
    }

    @Test("reads datagram by datagram where the kernel does not coalesce, and drops the longest")
    func uncoalesced() async throws {
        let station = try Station { $0.coalescing = false }
        let caller = try Station()
        caller.send(numbered([2049, 2048, 1]), to: try station.address())
        #expect(await station.log.holds(2))
        #expect(station.log.datagrams.map(\.count) == [2048, 1])
        #expect(station.count("s_dropped_total{reason=\"too_long\"}") == 1)
    }

    @Test("counts what the kernel dropped before it came to read")
    func overrun() async throws {
        let station = try Station { $0.receiveBuffer = 1 }
        let caller = try Station { $0.segmentation = false }
        let target = try station.address()
        let gate = Mutex(())
        gate.withLock { _ in
            station.thread.submit { _, _ in gate.withLock { _ in } }
            caller.send(numbered([Int](repeating: 1200, count: 64)), to: target)
            while caller.count("s_sent_total") < 64 { sched_yield() }
        }
        #expect(await station.log.holds(1))
        caller.send([[1]], to: target)
        let isDone: @Sendable () -> Bool = { station.log.datagrams.last == [1] }
        for _ in 0..<15_000 where !isDone() { try await Task.sleep(for: .milliseconds(2)) }
        #expect(station.count("s_dropped_total{reason=\"overrun\"}") == 65 - station.log.datagrams.count)
    }
}
