// SPDX-License-Identifier: Apache-2.0

import Testing
import Transport

@Suite("An admission table")
struct AdmissionTableTests {
    let viewer = PeerAddress(ipv4: 0xC000_0201)

    @Test("takes a second's worth at once, then one for each that the rate gives back")
    func rate() {
        var table = AdmissionTable(limits: AdmissionLimits(ratePerAddress: 20))
        let atOnce = (0..<30).filter { _ in table.admit(viewer, now: .seconds(5)) == nil }
        #expect(atOnce.count == 20)
        #expect(table.admit(viewer, now: .seconds(5)) == .tooManyFromAddress)
        #expect(table.admit(viewer, now: .milliseconds(5049)) == .tooManyFromAddress)
        #expect(table.admit(viewer, now: .milliseconds(5050)) == nil)
        #expect(table.admit(viewer, now: .milliseconds(5051)) == .tooManyFromAddress)
        #expect(table.admit(PeerAddress(ipv4: 1), now: .milliseconds(5051)) == nil)
    }

    @Test("never gives an address more than its rate plus one second's worth", arguments: [1, 7, 1000])
    func neverMore(rate: Int) {
        var table = AdmissionTable(limits: AdmissionLimits(connections: .max, ratePerAddress: rate))
        let admitted = (0..<10_000).filter { table.admit(viewer, now: .milliseconds($0)) == nil }
        #expect(admitted.count <= rate * 11)
        #expect(admitted.count >= min(rate * 10, 10_000))
    }

    @Test("counts an IPv6 network of 64 bits as one address")
    func networks() {
        var table = AdmissionTable(limits: AdmissionLimits(ratePerAddress: 1))
        #expect(table.admit(PeerAddress(high: 7, low: 1), now: .zero) == nil)
        #expect(table.admit(PeerAddress(high: 7, low: 2), now: .zero) == .tooManyFromAddress)
        #expect(table.admit(PeerAddress(high: 8, low: 2), now: .zero) == nil)
    }

    @Test("forgets addresses, and holds no more of them than it may")
    func memory() {
        var table = AdmissionTable(limits: AdmissionLimits(connections: .max, ratePerAddress: 20, addresses: 100))
        let refusals = (0..<150).compactMap { table.admit(PeerAddress(ipv4: $0), now: .seconds(1)) }
        #expect(refusals == Array(repeating: .tooManyAddresses, count: 50))
        #expect(table.remembered == 100)
        #expect(table.admit(viewer, now: .seconds(4)) == nil)
        #expect(table.remembered == 1)
    }

    @Test(
        "spares whom it is told to trust, by default this machine",
        arguments: [
            ([AddressPrefix].loopback, 0x7F00_0001 as UInt32, 5), (.loopback, 0xC000_0201, 1), ([], 0x7F00_0001, 1),
            (["192.0.2.0/24"].compactMap(AddressPrefix.init(parsing:)), 0xC000_0201, 5),
        ]
    )
    func trusted(prefixes: [AddressPrefix], address: UInt32, admitted: Int) {
        var table = AdmissionTable(limits: AdmissionLimits(ratePerAddress: 1, trusted: prefixes))
        let peer = PeerAddress(ipv4: address)
        #expect((0..<5).filter { _ in table.admit(peer, now: .zero) == nil }.count == admitted)
        #expect(AdmissionLimits().trusted == .loopback)
    }

    @Test("bounds what is open also for whom it trusts")
    func trustedAreCounted() {
        var table = AdmissionTable(limits: AdmissionLimits(connections: 1))
        #expect(table.admit(PeerAddress(ipv4: 0x7F00_0001), now: .zero) == nil)
        #expect(table.admit(PeerAddress(high: 0, low: 1), now: .zero) == .tooManyConnections)
    }

    @Test("bounds what is open")
    func connections() {
        var table = AdmissionTable(limits: AdmissionLimits(connections: 2, ratePerAddress: 0))
        #expect(table.admit(viewer, now: .zero) == nil)
        #expect(table.admit(viewer, now: .zero) == nil)
        #expect(table.admit(viewer, now: .zero) == .tooManyConnections)
        table.release()
        #expect(table.admit(viewer, now: .zero) == nil)
        #expect(table.open == 2)
    }
}
