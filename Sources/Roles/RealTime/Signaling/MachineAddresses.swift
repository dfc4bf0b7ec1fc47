// SPDX-License-Identifier: Apache-2.0

import Cluster
import NIOCore

/// The addresses of this machine, as an answer names them where none are set.
enum MachineAddresses {
    /// Those that others may reach, IPv4 first; with those of loopback at the end, where they are wanted.
    static func all(withLoopback: Bool) -> [IPAddress] {
        let found = ((try? System.enumerateDevices()) ?? []).compactMap { device -> IPAddress? in
            guard let text = device.address?.ipAddress else { return nil }
            return IPAddress(parsing: text.prefix { $0 != "%" })
        }
        let routable = found.filter { !$0.isLoopback && !$0.isLinkLocal }.sorted()
        return (routable + (withLoopback ? found.filter(\.isLoopback).sorted() : [])).prefix(most).map { $0 }
    }

    /// More candidates only delay a client.
    private static let most = 8
}

extension IPAddress {
    fileprivate var isLoopback: Bool {
        switch self {
        case .v4(let number): number >> 24 == 127
        case .v6(let high, let low): high == 0 && low == 1
        }
    }

    /// RFC 3927, RFC 4291 §2.5.6.
    fileprivate var isLinkLocal: Bool {
        switch self {
        case .v4(let number): number >> 16 == 0xA9FE
        case .v6(let high, _): high >> 54 == 0x3FA
        }
    }
}
