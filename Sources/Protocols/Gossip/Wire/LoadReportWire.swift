// SPDX-License-Identifier: Apache-2.0

import Cluster
import Identity

extension LoadReport: WireWritable {
    func write(to sink: inout some WireSink) {
        precondition(streams.count <= WireLimit.audiences, "a report of \(streams.count) streams")
        sink.write(text: node.description, limit: NodeID.maximumLength)
        sink.write(integer: sequence)
        sink.write(integer: egress)
        sink.write(integer: processor)
        sink.write(integer: viewers)
        sink.write(length: streams.count)
        for audience in streams { audience.write(to: &sink) }
    }
}

extension StreamAudience: WireWritable {
    func write(to sink: inout some WireSink) {
        sink.write(integer: key.number)
        sink.write(integer: viewers)
        sink.write(integer: kilobits)
    }
}

extension WireReader {
    mutating func loadReport() throws(GossipFailure) -> LoadReport {
        let report = LoadReport(
            node: try node(), sequence: try uint64(), egress: try uint64(), processor: try uint16(),
            viewers: try uint32(),
            streams: try list(limit: WireLimit.audiences) { reader throws(GossipFailure) in try reader.audience() })
        guard report.processor <= WireLimit.processor else { throw .malformed }
        return report
    }

    private mutating func audience() throws(GossipFailure) -> StreamAudience {
        StreamAudience(key: RankingKey(number: try uint64()), viewers: try uint32(), kilobits: try uint32())
    }
}
