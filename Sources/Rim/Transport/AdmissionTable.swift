// SPDX-License-Identifier: Apache-2.0

/// Who may come in: counts open connections and, per address, how many were opened lately.
///
/// The rate is a token bucket that holds one second's worth, kept as the generic cell rate algorithm (ITU-T I.371
/// annex A): one instant per address, the time at which its bucket will be full again. A bucket untouched for a second
/// is full, so two generations of a second each hold all that matters, and memory does not grow with time.
public struct AdmissionTable: Sendable {
    /// How many connections are open.
    public private(set) var open = 0
    private let limits: AdmissionLimits
    private var recent: [PeerAddress: Duration] = [:]
    private var older: [PeerAddress: Duration] = [:]
    private var turned: Duration?

    /// An empty table.
    public init(limits: AdmissionLimits) {
        precondition(limits.connections >= 0 && limits.ratePerAddress >= 0 && limits.addresses > 0, "\(limits)")
        self.limits = limits
    }

    /// Counts a connection in, or says why not. `now` is monotonic.
    public mutating func admit(_ peer: PeerAddress, now: Duration) -> ConnectionRefusal? {
        guard open < limits.connections else { return .tooManyConnections }
        if let refusal = charge(peer, now: now) { return refusal }
        open += 1
        return nil
    }

    /// Counts a connection out.
    public mutating func release() {
        precondition(open > 0, "released a connection that was never admitted: \(self)")
        open -= 1
    }

    /// How many addresses are remembered.
    public var remembered: Int { recent.count + older.count }

    private mutating func charge(_ peer: PeerAddress, now: Duration) -> ConnectionRefusal? {
        guard limits.ratePerAddress > 0, !limits.trusted.contains(peer) else { return nil }
        turn(now: now)
        let network = peer.network
        let known = recent[network] ?? older[network]
        guard known != nil || recent.count < limits.addresses else { return .tooManyAddresses }
        let cost = Duration.seconds(1) / limits.ratePerAddress
        let full = max(known ?? now, now) + cost
        guard full - now <= .seconds(1) else { return .tooManyFromAddress }
        recent[network] = full
        return nil
    }

    private mutating func turn(now: Duration) {
        guard let last = turned else {
            turned = now
            return
        }
        guard now - last >= .seconds(1) else { return }
        older = now - last >= .seconds(2) ? [:] : recent
        recent = [:]
        turned = now
    }
}
