// SPDX-License-Identifier: Apache-2.0

public import Cluster
import Identity

extension StreamEntry: WireWritable {
    func write(to sink: inout some WireSink) {
        sink.write(text: stream.description, limit: StreamID.maximumLength)
        sink.write(integer: term.number)
        sink.write(integer: term.salt)
        sink.write(integer: version)
        sink.write(text: gateway.description, limit: NodeID.maximumLength)
        sink.write(optional: standby) { $0.write(text: $1.description, limit: NodeID.maximumLength) }
        sink.write(text: region.description, limit: WireLimit.text)
        sink.write(state.rawValue)
        sink.write(integer: publisher)
        precondition(variants.count <= WireLimit.variants, "an entry of \(variants.count) variants")
        sink.write(length: variants.count)
        for variant in variants { variant.write(to: &sink) }
    }
}

extension StreamEntry {
    /// The entry with as many of its variants, the first ones, as an encoding of 1000 bytes and 6 variants has room for.
    /// Whoever makes an entry tells this one.
    public var fitted: StreamEntry {
        var entry = self
        entry.variants = Array(variants.filter { $0.codecs.utf8.count <= WireLimit.text }.prefix(WireLimit.variants))
        while entry.size > WireLimit.entry { entry.variants.removeLast() }
        return entry
    }
}

extension StreamVariant: WireWritable {
    func write(to sink: inout some WireSink) {
        sink.write(text: rendition.description, limit: WireLimit.text)
        sink.write(integer: peakBandwidth)
        sink.write(integer: averageBandwidth)
        sink.write(text: codecs, limit: WireLimit.text)
        sink.write(integer: width)
        sink.write(integer: height)
        sink.write(integer: frameRate)
        sink.write(range?.rawValue ?? 0)
    }
}

extension WireReader {
    mutating func streamEntry() throws(GossipFailure) -> StreamEntry {
        StreamEntry(
            stream: try stream(), term: Term(number: try uint64(), salt: try uint32()), version: try uint32(),
            gateway: try node(), standby: try optional { reader throws(GossipFailure) in try reader.node() },
            region: try region(), state: try streamState(), publisher: try uint64(),
            variants: try list(limit: WireLimit.variants) { reader throws(GossipFailure) in try reader.variant() })
    }

    private mutating func variant() throws(GossipFailure) -> StreamVariant {
        guard let rendition = RenditionName(parsing: try text(limit: WireLimit.text)) else { throw .malformed }
        return StreamVariant(
            rendition: rendition, peakBandwidth: try uint32(), averageBandwidth: try uint32(), codecs: try visible(),
            width: try uint16(), height: try uint16(), frameRate: try uint32(), range: VideoRange(rawValue: try byte()))
    }

    private mutating func streamState() throws(GossipFailure) -> StreamState {
        guard let state = StreamState(rawValue: try byte()) else { throw .malformed }
        return state
    }
}
