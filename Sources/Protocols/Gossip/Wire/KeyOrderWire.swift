// SPDX-License-Identifier: Apache-2.0

import Cluster

extension KeyOrder: WireWritable {
    func write(to sink: inout some WireSink) {
        precondition(secret.count == Self.secretLength(verb), "an order to \(verb) with \(secret.count) bytes of key")
        sink.write(integer: time)
        sink.write(integer: key)
        sink.write(verb.rawValue)
        sink.write(bytes: secret)
    }

    static func secretLength(_ verb: Verb) -> Int { verb == .remove ? 0 : WireLimit.secret }
}

extension WireReader {
    mutating func keyOrder() throws(GossipFailure) -> KeyOrder {
        let time = try uint64()
        let key = try uint32()
        guard let verb = KeyOrder.Verb(rawValue: try byte()) else { throw .malformed }
        return KeyOrder(time: time, key: key, verb: verb, secret: Array(try bytes(KeyOrder.secretLength(verb))))
    }
}
