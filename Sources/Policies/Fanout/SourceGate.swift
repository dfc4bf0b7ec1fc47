// SPDX-License-Identifier: Apache-2.0

public import Cluster

/// From where a session takes packets.
public enum SourceGate: Hashable, Sendable {
    /// From this address and port only.
    case endpoint(Endpoint)
    /// From the first port of this address that sends; nobody else afterwards.
    case address(IPAddress)
    /// From the first who sends; nobody else afterwards.
    case first

    /// The gate of an address that a caller names: port 0 leaves the port open, and an address of zeros all of it.
    public init(_ named: Endpoint) {
        let isUnspecified = named.address == .v4(0) || named.address == .v6(0, 0)
        switch (isUnspecified, named.port) {
        case (true, _): self = .first
        case (false, 0): self = .address(named.address)
        case (false, _): self = .endpoint(named)
        }
    }

    /// The one source, where it is known from the start.
    public var pinned: Endpoint? { if case .endpoint(let endpoint) = self { endpoint } else { nil } }

    /// Whether a source may be the first.
    public func admits(_ source: Endpoint) -> Bool {
        switch self {
        case .endpoint(let endpoint): endpoint == source
        case .address(let address): address == source.address
        case .first: true
        }
    }
}
