// SPDX-License-Identifier: Apache-2.0

import Cluster

/// A family, 4 or 6, the address in network order, and the port.
extension Endpoint: WireWritable {
    func write(to sink: inout some WireSink) {
        switch address {
        case .v4(let number):
            sink.write(4)
            sink.write(integer: number)
        case .v6(let upper, let lower):
            sink.write(6)
            sink.write(integer: upper)
            sink.write(integer: lower)
        }
        sink.write(integer: port)
    }
}

extension WireReader {
    mutating func endpoint() throws(GossipFailure) -> Endpoint {
        let address: IPAddress =
            switch try byte() {
            case 4: .v4(try uint32())
            case 6: .v6(try uint64(), try uint64())
            default: throw .malformed
            }
        return Endpoint(address: address, port: try uint16())
    }
}
