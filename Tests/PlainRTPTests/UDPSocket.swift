// SPDX-License-Identifier: Apache-2.0

import Cluster
import Glibc
import Testing

/// A socket of a source or a subscriber on loopback.
final class UDPSocket: Sendable {
    private let descriptor: Int32
    /// Where it is.
    let endpoint: Endpoint

    /// Bound to a port that the kernel chooses.
    init() throws {
        descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = descriptor
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, size) == 0 && getsockname(descriptor, $0, &size) == 0
            }
        }
        try #require(isBound)
        var limit = timeval(tv_sec: 60, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        endpoint = Endpoint(address: .v4(0x7F00_0001), port: UInt16(bigEndian: address.sin_port))
    }

    deinit { close(descriptor) }

    /// Sends to a port of this machine.
    func send(_ bytes: [UInt8], to port: UInt16) {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        address.sin_port = port.bigEndian
        let sent = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                sendto(descriptor, bytes, bytes.count, 0, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        #expect(sent == bytes.count)
    }

    /// The next datagram; nil after a minute without one.
    func receive() -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: 65_536)
        let count = recv(descriptor, &bytes, bytes.count, 0)
        return count >= 0 ? Array(bytes.prefix(count)) : nil
    }

    /// What waits now.
    func waiting() -> [[UInt8]] {
        var all: [[UInt8]] = []
        var bytes = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(descriptor, &bytes, bytes.count, Int32(MSG_DONTWAIT))
            guard count >= 0 else { return all }
            all.append(Array(bytes.prefix(count)))
        }
    }
}

/// An RTP packet of a source, with everything that a forwarder might lose: contributing sources, an extension, padding.
func packet(_ source: UInt32, _ number: UInt16, isMarked: Bool = true, length: Int = 100) -> [UInt8] {
    var bytes: [UInt8] = [0xB1, isMarked ? 0xE1 : 0x61, UInt8(number >> 8), UInt8(number & 0xFF), 1, 2, 3, 4]
    for shift in [24, 16, 8, 0] { bytes.append(UInt8(truncatingIfNeeded: source >> UInt32(shift))) }
    bytes += [9, 9, 9, 9, 0xBE, 0xDE, 0, 1, 0x10, 7, 0, 0]
    bytes += [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: max(length - bytes.count - 1, 0))
    return bytes + [1]
}
