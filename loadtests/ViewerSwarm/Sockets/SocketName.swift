// SPDX-License-Identifier: Apache-2.0

import Cluster
import Glibc

/// An endpoint as the kernel has it: struct sockaddr_in or sockaddr_in6.
struct SocketName {
    private var storage = sockaddr_storage()
    private(set) var length: socklen_t

    /// Room for any.
    init() { length = socklen_t(MemoryLayout<sockaddr_storage>.size) }

    init(_ endpoint: Endpoint) {
        let isSix = if case .v6 = endpoint.address { true } else { false }
        length = socklen_t(isSix ? MemoryLayout<sockaddr_in6>.size : MemoryLayout<sockaddr_in>.size)
        storage.ss_family = sa_family_t(isSix ? AF_INET6 : AF_INET)
        withUnsafeMutableBytes(of: &storage) { bytes in
            bytes.storeBytes(of: endpoint.port.bigEndian, toByteOffset: 2, as: UInt16.self)
            for (index, byte) in endpoint.address.bytes.enumerated() { bytes[(isSix ? 8 : 4) + index] = byte }
        }
    }

    var family: Int32 { Int32(storage.ss_family) }

    /// The endpoint; nil for another family.
    var endpoint: Endpoint? { withUnsafeBytes(of: storage) { Self.endpoint($0) } }

    /// The endpoint that stands in memory.
    static func endpoint(_ bytes: UnsafeRawBufferPointer) -> Endpoint? {
        let place: Range<Int>
        switch Int32(bytes.load(as: sa_family_t.self)) {
        case AF_INET: place = 4..<8
        case AF_INET6: place = 8..<24
        default: return nil
        }
        let port = UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: 2, as: UInt16.self))
        return IPAddress(bytes: bytes[place]).map { Endpoint(address: $0, port: port) }
    }

    func withAddress<Answer>(_ body: (UnsafePointer<sockaddr>?, socklen_t) -> Answer) -> Answer {
        withUnsafeBytes(of: storage) { body($0.baseAddress?.assumingMemoryBound(to: sockaddr.self), length) }
    }

    /// Asks the resolver; blocks where it does. Nil where it knows nothing.
    static func resolve(_ host: String, port: Int) -> Endpoint? {
        let port = UInt16(clamping: port)
        if let address = IPAddress(parsing: host) { return Endpoint(address: address, port: port) }
        var found: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, nil, nil, &found) == 0, let first = found else { return nil }
        defer { freeaddrinfo(found) }
        let bytes = UnsafeRawBufferPointer(start: first.pointee.ai_addr, count: Int(first.pointee.ai_addrlen))
        return endpoint(bytes).map { Endpoint(address: $0.address, port: port) }
    }
}
