// SPDX-License-Identifier: Apache-2.0

import CLinuxIO
import Cluster
import Glibc

/// Names to addresses by the machine's resolver. Blocks: never on an event loop.
enum Resolver {
    /// A node of a service.
    struct Service: Hashable {
        let host: String
        let port: UInt16
    }

    /// The addresses of a name (A and AAAA), or of an address itself.
    static func addresses(of host: String) -> [IPAddress] {
        if let address = IPAddress(parsing: host) { return [address] }
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_DGRAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, nil, &hints, &list) == 0 else { return [] }
        defer { freeaddrinfo(list) }
        var found: [IPAddress] = []
        var next = list
        while let entry = next {
            if let address = address(of: entry.pointee), !found.contains(address) { found.append(address) }
            next = entry.pointee.ai_next
        }
        return found
    }

    /// The nodes of a service by its SRV records, those of the lowest priority first.
    static func services(of name: String) -> [Service] {
        var answer = [UInt8](repeating: 0, count: 65_536)
        let length = answer.withUnsafeMutableBufferPointer { buffer in
            res_query(name, Self.internet, Self.srv, buffer.baseAddress, Int32(buffer.count))
        }
        guard length > 0 else { return [] }
        return ServiceRecords.read(answer[..<min(Int(length), answer.count)])
            .sorted { $0.priority < $1.priority }.map { Service(host: $0.host, port: $0.port) }
    }

    private static func address(of entry: addrinfo) -> IPAddress? {
        guard let socket = entry.ai_addr else { return nil }
        let bytes = UnsafeRawBufferPointer(start: socket, count: Int(entry.ai_addrlen))
        switch entry.ai_family {
        case AF_INET where bytes.count >= 8: return IPAddress(bytes: bytes[4..<8])
        case AF_INET6 where bytes.count >= 24: return IPAddress(bytes: bytes[8..<24])
        default: return nil
        }
    }

    private static let internet: Int32 = 1
    private static let srv: Int32 = 33
}

/// The SRV records of an answer (RFC 1035 §4.1, RFC 2782).
enum ServiceRecords {
    /// One record.
    struct Record: Hashable {
        let priority: UInt16
        let host: String
        let port: UInt16
    }

    /// The records of an answer; what can not be read is left out, and what comes after it.
    static func read(_ message: ArraySlice<UInt8>) -> [Record] {
        let bytes = Array(message)
        var at = 12
        guard bytes.count >= at else { return [] }
        for _ in 0..<number(bytes, 4) {
            guard let end = skipName(bytes, at) else { return [] }
            at = end + 4
        }
        var records: [Record] = []
        for _ in 0..<number(bytes, 6) {
            guard let start = skipName(bytes, at), start + 10 <= bytes.count else { break }
            let (type, length) = (number(bytes, start), number(bytes, start + 8))
            let data = start + 10
            guard data + length <= bytes.count else { break }
            if type == 33, length > 6, let host = name(bytes, data + 6) {
                records.append(
                    Record(
                        priority: UInt16(truncatingIfNeeded: number(bytes, data)), host: host,
                        port: UInt16(truncatingIfNeeded: number(bytes, data + 4))))
            }
            at = data + length
        }
        return records
    }

    private static func number(_ bytes: [UInt8], _ at: Int) -> Int {
        at + 1 < bytes.count ? Int(bytes[at]) << 8 | Int(bytes[at + 1]) : 0
    }

    private static func skipName(_ bytes: [UInt8], _ start: Int) -> Int? {
        var at = start
        while at < bytes.count {
            let length = Int(bytes[at])
            if length == 0 { return at + 1 }
            if length >= 0xC0 { return at + 2 <= bytes.count ? at + 2 : nil }
            at += 1 + length
        }
        return nil
    }

    /// A name, through at most sixteen pointers.
    private static func name(_ bytes: [UInt8], _ start: Int) -> String? {
        var (at, jumps, labels): (Int, Int, [String]) = (start, 0, [])
        while at < bytes.count, labels.count < 128 {
            let length = Int(bytes[at])
            if length == 0 { return labels.isEmpty ? nil : labels.joined(separator: ".") }
            if length >= 0xC0 {
                jumps += 1
                guard jumps <= 16 else { return nil }
                at = number(bytes, at) & 0x3FFF
                continue
            }
            guard length < 64, at + 1 + length <= bytes.count,
                let label = String(validating: bytes[(at + 1)..<(at + 1 + length)], as: UTF8.self)
            else { return nil }
            labels.append(label)
            at += 1 + length
        }
        return nil
    }
}
