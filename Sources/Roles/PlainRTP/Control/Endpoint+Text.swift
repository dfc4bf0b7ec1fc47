// SPDX-License-Identifier: Apache-2.0

public import Cluster

extension Endpoint {
    /// Parses `192.0.2.1:5004` and `[2001:db8::1]:5004`; nil for anything else, names among it.
    public init?(parsing text: String) {
        guard let colon = text.lastIndex(of: ":") else { return nil }
        var host = text[..<colon]
        let digits = text[text.index(after: colon)...]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
            guard host.contains(":") else { return nil }
        } else if host.contains(":") {
            return nil
        }
        let isNumber = digits.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        guard isNumber, let port = UInt16(digits), let address = IPAddress(parsing: host) else { return nil }
        self.init(address: address, port: port)
    }

    /// Whether this is one receiver's address: neither all zeros, nor a group's, nor a broadcast's, nor without a port.
    var isOneReceiver: Bool {
        guard port != 0 else { return false }
        return switch address {
        case .v4(let bits): bits >> 24 != 0 && bits >> 28 < 0xE
        case .v6(let high, let low): !(high == 0 && low == 0) && high >> 56 != 0xFF
        }
    }
}
