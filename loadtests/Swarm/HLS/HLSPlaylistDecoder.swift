// SPDX-License-Identifier: Apache-2.0

import Bytes

/// Reads a playlist line by line into its value.
struct HLSPlaylistDecoder {
    private let text: ByteSlice
    /// What the lines before a segment's URI said of it.
    private var pending = Pending()
    private var initSection: HLSPlaylist.URI?
    private var count: UInt64 = 0
    /// The attributes of the variant whose URI comes next.
    private var variant: AttributeList?

    private struct Pending {
        var duration: Duration?
        var parts: [HLSPlaylist.Part] = []
        var isGap = false
    }

    static func decode(_ text: ByteSlice, into playlist: inout HLSPlaylist) {
        var decoder = HLSPlaylistDecoder(text: text)
        var start = text.startIndex
        while start < text.endIndex {
            let end = text[start...].firstIndex(of: UInt8(ascii: "\n")) ?? text.endIndex
            var line = text[start..<end]
            if line.last == UInt8(ascii: "\r") { line.removeLast() }
            decoder.take(line, &playlist)
            start = end == text.endIndex ? end : end + 1
        }
        decoder.finish(&playlist)
    }

    private init(text: ByteSlice) { self.text = text }

    private mutating func take(_ line: ByteSlice, _ playlist: inout HLSPlaylist) {
        guard let first = line.first else { return }
        guard first == UInt8(ascii: "#") else { return takeURI(line.indices, &playlist) }
        guard line.starts(with: "#EXT".utf8) else { return }
        let colon = line.firstIndex(of: UInt8(ascii: ":")) ?? line.endIndex
        takeTag(line[..<colon], value: line[colon...].dropFirst(), &playlist)
    }

    private mutating func takeTag(_ name: ByteSlice, value: ByteSlice, _ playlist: inout HLSPlaylist) {
        switch name {
        case "#EXTINF": pending.duration = Self.duration(value.prefix { $0 != UInt8(ascii: ",") })
        case "#EXT-X-PART": takePart(AttributeList(value))
        case "#EXT-X-GAP": pending.isGap = true
        case "#EXT-X-MAP": initSection = AttributeList(value)["URI"]?.indices
        case "#EXT-X-STREAM-INF": variant = AttributeList(value)
        case "#EXT-X-CONTENT-STEERING": takeSteering(AttributeList(value), &playlist)
        case "#EXT-X-PRELOAD-HINT": takeHint(AttributeList(value), &playlist)
        case "#EXT-X-ENDLIST": playlist.isEnded = true
        case "#EXT-X-MEDIA-SEQUENCE": playlist.firstMSN = Self.number(value) ?? 0
        case "#EXT-X-TARGETDURATION": playlist.targetDuration = Self.duration(value) ?? .zero
        case "#EXT-X-PART-INF": playlist.partTarget = AttributeList(value)["PART-TARGET"].flatMap(Self.duration)
        case "#EXT-X-SERVER-CONTROL": takeControl(AttributeList(value), &playlist)
        case "#EXT-X-SKIP":
            playlist.skipped = AttributeList(value)["SKIPPED-SEGMENTS"].flatMap(Self.number) ?? 0
            count &+= playlist.skipped
        default: break
        }
    }

    private mutating func takeURI(_ uri: HLSPlaylist.URI, _ playlist: inout HLSPlaylist) {
        if let variant {
            self.variant = nil
            let pathway = variant["PATHWAY-ID"]?.indices
            return playlist.variants.append(HLSPlaylist.Variant(uri: uri, pathway: pathway))
        }
        guard let duration = pending.duration else { return }
        append(uri: uri, duration: duration, &playlist)
    }

    private mutating func takePart(_ attributes: AttributeList) {
        guard let uri = attributes["URI"], let duration = attributes["DURATION"].flatMap(Self.duration) else { return }
        pending.parts.append(
            HLSPlaylist.Part(
                uri: uri.indices, duration: duration, isIndependent: attributes["INDEPENDENT"] == "YES",
                isGap: attributes["GAP"] == "YES"))
    }

    private func takeSteering(_ attributes: AttributeList, _ playlist: inout HLSPlaylist) {
        guard let server = attributes["SERVER-URI"]?.indices else { return }
        playlist.steering = HLSPlaylist.Steering(server: server, pathway: attributes["PATHWAY-ID"]?.indices)
    }

    private func takeHint(_ attributes: AttributeList, _ playlist: inout HLSPlaylist) {
        guard attributes["TYPE"] == "PART" else { return }
        playlist.hint = attributes["URI"]?.indices
    }

    private func takeControl(_ attributes: AttributeList, _ playlist: inout HLSPlaylist) {
        playlist.canBlockReload = attributes["CAN-BLOCK-RELOAD"] == "YES"
        playlist.partHoldBack = attributes["PART-HOLD-BACK"].flatMap(Self.duration)
        playlist.holdBack = attributes["HOLD-BACK"].flatMap(Self.duration)
        playlist.canSkipUntil = attributes["CAN-SKIP-UNTIL"].flatMap(Self.duration)
    }

    /// Parts behind the last whole segment belong to one that still grows.
    private mutating func finish(_ playlist: inout HLSPlaylist) {
        guard !pending.parts.isEmpty else { return }
        append(uri: nil, duration: pending.parts.reduce(.zero) { $0 + $1.duration }, &playlist)
    }

    private mutating func append(uri: HLSPlaylist.URI?, duration: Duration, _ playlist: inout HLSPlaylist) {
        playlist.segments.append(
            HLSPlaylist.Segment(
                msn: playlist.firstMSN &+ count, uri: uri, duration: duration, initSection: initSection,
                parts: pending.parts, isGap: pending.isGap))
        count &+= 1
        pending = Pending()
    }
}

extension HLSPlaylistDecoder {
    static func number(_ digits: ByteSlice) -> UInt64? {
        guard !digits.isEmpty, digits.count <= 19, digits.allSatisfy({ (48...57).contains($0) }) else { return nil }
        return digits.reduce(0) { $0 * 10 + UInt64($1 - 48) }
    }

    /// A decimal number of seconds, RFC 8216 §4.2; beyond nanoseconds it is cut.
    static func duration(_ text: ByteSlice) -> Duration? {
        let whole = text.prefix { $0 != UInt8(ascii: ".") }
        guard whole.count <= 9, let seconds = number(whole) else { return nil }
        let fraction = text[whole.endIndex...].dropFirst().prefix(9)
        guard fraction.isEmpty || number(fraction) != nil else { return nil }
        var nanoseconds = number(fraction) ?? 0
        for _ in fraction.count..<9 { nanoseconds *= 10 }
        return .seconds(Int64(seconds)) + .nanoseconds(Int64(nanoseconds))
    }
}

/// `NAME=value,NAME="value"`, RFC 8216 §4.2.
struct AttributeList {
    private let text: ByteSlice

    init(_ text: ByteSlice) { self.text = text }

    /// The value of an attribute without its quotes; nil where it is missing.
    subscript(name: StaticString) -> ByteSlice? {
        var rest = text
        while let equals = rest.firstIndex(of: UInt8(ascii: "=")) {
            let found = rest[..<equals]
            let value = Self.value(rest[(equals + 1)...])
            if name ~= found { return value.text }
            rest = rest[value.end...].dropFirst()
        }
        return nil
    }

    private static func value(_ rest: ByteSlice) -> (text: ByteSlice, end: Int) {
        if rest.first == UInt8(ascii: "\"") {
            let inner = rest.dropFirst()
            guard let quote = inner.firstIndex(of: UInt8(ascii: "\"")) else { return (inner, inner.endIndex) }
            return (inner[..<quote], quote + 1)
        }
        let end = rest.firstIndex(of: UInt8(ascii: ",")) ?? rest.endIndex
        return (rest[..<end], end)
    }
}

/// Whether bytes are this text; makes texts patterns for bytes.
private func ~= (text: StaticString, bytes: ByteSlice) -> Bool {
    bytes.count == text.utf8CodeUnitCount && text.withUTF8Buffer { bytes.elementsEqual($0) }
}

private func == (bytes: ByteSlice?, text: StaticString) -> Bool { bytes.map { text ~= $0 } ?? false }
