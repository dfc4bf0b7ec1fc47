// SPDX-License-Identifier: Apache-2.0

import CLinuxIO
import Foundation
package import Media
import NIOCore
import Transport

/// Reads the machine, for checks to judge.
enum MachineReader {
    /// A value of the kernel's by its name in sysctl; nil where there is none to be seen.
    static func kernel(_ name: String) -> Int? {
        text(of: "/proc/sys/" + name.replacing(".", with: "/")).flatMap {
            Int($0.trimmingCharacters(in: .whitespacesAndNewlines))
        }
    }

    /// Who has a port, by trying to have it.
    static func state(of port: UsedPort) -> UsedPort.State {
        let host = ProcessLimits.listenAddress(for: port.host)
        guard let address = try? SocketAddress.listening(at: host, port: port.port) else {
            return .forbidden("\(port.host) is no address")
        }
        let kind = port.isUDP ? SOCK_DGRAM : SOCK_STREAM
        let descriptor = socket(address.protocol == .inet6 ? AF_INET6 : AF_INET, Int32(kind.rawValue), 0)
        guard descriptor >= 0 else { return .forbidden(String(cString: strerror(errno))) }
        defer { close(descriptor) }
        var yes: Int32 = 1
        if !port.isUDP {
            setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        }
        if address.withSockAddr({ bind(descriptor, $0, socklen_t($1)) }) == 0 { return .free }
        guard errno == EADDRINUSE else { return .forbidden(String(cString: strerror(errno))) }
        return .held(by: PortHolder.process(of: port))
    }

    /// Whether something keeps the clock right, as adjtimex(2) says; nil where it says nothing.
    static var clockIsKept: Bool? {
        // struct timex, of which nothing is set: the first field says so.
        var state = [UInt8](repeating: 0, count: 512)
        let code = state.withUnsafeMutableBytes { adjtimex($0.baseAddress) }
        return code < 0 ? nil : code != Self.unsynchronized
    }

    /// A file of the kernel's, which has no size before it is read.
    static func text(of path: String) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var block = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = read(descriptor, &block, block.count)
            if count <= 0 { return count == 0 ? String(decoding: bytes, as: UTF8.self) : nil }
            bytes += block.prefix(count)
        }
    }

    /// TIME_ERROR of <sys/timex.h>.
    private static let unsynchronized: Int32 = 5
}

/// A Date header (RFC 9110 §5.6.7).
package enum HTTPDate {
    /// The time of one in the form that is in use, `Sun, 06 Nov 1994 08:49:37 GMT`; nil for anything else.
    package static func time(of header: String) -> WallTime? {
        let words = header.split(separator: " ")
        guard words.count == 6, words[5] == "GMT", let day = Int64(words[1]), (1...31).contains(day),
            let month = months.firstIndex(of: String(words[2])), let year = Int64(words[3]),
            (1970...9999).contains(year)
        else { return nil }
        let clock = words[4].split(separator: ":").compactMap { Int64($0) }
        guard clock.count == 3, clock.allSatisfy({ (0...60).contains($0) }) else { return nil }
        // Days since 1970, of years that begin in March, so that a leap day is a year's last.
        let (late, monthOfYear) = (month < 2 ? year - 1 : year, Int64((month + 10) % 12))
        let leaps = late / 4 - late / 100 + late / 400
        let days = late * 365 + leaps + (153 * monthOfYear + 2) / 5 + day - 719_469
        return WallTime(milliseconds: (((days * 24 + clock[0]) * 60 + clock[1]) * 60 + clock[2]) * 1000)
    }

    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
}

/// Which process listens at a port.
package enum PortHolder {
    /// Its name and number, where this process may see it.
    static func process(of port: UsedPort) -> String? {
        let tables = port.isUDP ? ["/proc/net/udp", "/proc/net/udp6"] : ["/proc/net/tcp", "/proc/net/tcp6"]
        let sockets = tables.compactMap { MachineReader.text(of: $0) }
            .flatMap { Self.sockets(in: $0, at: port.port, isUDP: port.isUDP) }
        let wanted = Set(sockets.map { "socket:[\($0)]" })
        let folders = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        for process in folders where process.allSatisfy(\.isNumber) {
            let open = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(process)/fd")) ?? []
            let links = open.lazy.compactMap { ProcessFacts.link("/proc/\(process)/fd/\($0)") }
            guard links.contains(where: wanted.contains)
            else { continue }
            let program = ProcessFacts.link("/proc/\(process)/exe")?.split(separator: "/").last ?? "a process"
            return "\(program) (process \(process))"
        }
        return nil
    }

    /// The numbers of the sockets that listen at a port, of a table as /proc/net/tcp is one (proc(5)).
    package static func sockets(in table: String, at port: Int, isUDP: Bool) -> [Substring] {
        table.split(separator: "\n").dropFirst().compactMap { line in
            let fields = line.split(separator: " ", omittingEmptySubsequences: true)
            guard fields.count > 9, let number = fields[1].split(separator: ":").last.flatMap({ Int($0, radix: 16) }),
                number == port, isUDP || fields[3] == "0A"
            else { return nil }
            return fields[9]
        }
    }
}
