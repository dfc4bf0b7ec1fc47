// SPDX-License-Identifier: Apache-2.0

/// One `m=` while its lines come.
struct MediaDraft {
    var media: MediaDescription
    private var transport = TransportDraft()
    private var formats: FormatDraft

    /// Reads `m=`, RFC 8866 §5.14.
    init(_ line: SDPLine) throws(SDPFailure) {
        let words = line.value.split(separator: " ")
        guard words.count >= 3, let port = words[1].split(separator: "/").first.flatMap({ UInt16($0) }) else {
            throw .malformed("m=", line: line.number)
        }
        let kind = MediaKind(rawValue: words[0].lowercased()) ?? .other
        media = MediaDescription(kind: kind, port: port, profile: String(words[2]))
        formats = FormatDraft(listed: words.dropFirst(3))
    }

    mutating func read(
        _ name: Substring, _ value: Substring, line: Int, limits: SDPLimits
    ) throws(SDPFailure) {
        if try transport.read(name, value, line: line, limits: limits) { return }
        if try formats.read(name, value, line: line, limits: limits) { return }
        switch name {
        case "bundle-only": media.isBundleOnly = true
        case "candidate": readCandidate(value, limits: limits)
        case "end-of-candidates": media.hasEndOfCandidates = true
        case "extmap": try readExtension(value, line: line)
        case "msid": try readStream(value, limits: limits)
        case "rid": try readRID(value, line: line, limits: limits)
        case "rtcp-mux": media.multiplexesRTCP = true
        case "rtcp-mux-only": media.onlyMultiplexesRTCP = true
        case "rtcp-rsize": media.reducesRTCP = true
        case "simulcast": try readSimulcast(value, line: line, limits: limits)
        case "ssrc": try readSource(value, limits: limits)
        case "ssrc-group": try readSourceGroup(value, limits: limits)
        default: break
        }
    }

    /// The whole, completed by what the session says.
    func finished(defaults: TransportDraft) -> MediaDescription {
        var media = media
        let transport = transport.completed(by: defaults)
        media.credentials = transport.credentials
        media.iceOptions = transport.options
        media.fingerprints = transport.fingerprints
        media.setup = transport.setup
        media.direction = transport.direction ?? .sendReceive
        media.formats = formats.finished
        media.sources.removeAll { $0.canonicalName == nil && $0.stream == nil }
        return media
    }
}

extension MediaDraft {
    private mutating func readCandidate(_ value: Substring, limits: SDPLimits) {
        guard media.candidates.count < limits.attributes, let candidate = ICECandidate(parsing: value) else { return }
        media.candidates.append(candidate)
    }

    /// RFC 8285 §8: the number, perhaps with a direction, and the URI.
    private mutating func readExtension(_ value: Substring, line: Int) throws(SDPFailure) {
        let words = value.split(separator: " ")
        guard words.count >= 2, let number = words[0].split(separator: "/").first.flatMap({ UInt16($0) }) else {
            throw .malformed("a=extmap", line: line)
        }
        // Above 255 stand numbers that are yet to be chosen, which nobody does.
        guard let id = UInt8(exactly: number), id > 0, let kind = HeaderExtensionKind(rawValue: String(words[1])),
            !media.extensions.contains(where: { $0.id == id || $0.kind == kind })
        else { return }
        media.extensions.append(HeaderExtension(id: id, kind: kind))
    }

    private mutating func readStream(_ value: Substring, limits: SDPLimits) throws(SDPFailure) {
        guard let stream = MediaStreamID(parsing: value), !media.streams.contains(stream) else { return }
        guard media.streams.count < limits.attributes else { throw .tooMany("a=msid", limit: limits.attributes) }
        media.streams.append(stream)
    }

    /// RFC 8851 §4: a name, a direction, and restrictions of which we keep the payload types.
    private mutating func readRID(_ value: Substring, line: Int, limits: SDPLimits) throws(SDPFailure) {
        let words = value.split(separator: " ", maxSplits: 2)
        guard words.count >= 2, words[0].isRID, words[1] == "send" || words[1] == "recv" else {
            throw .malformed("a=rid", line: line)
        }
        guard !media.rids.contains(where: { $0.id == String(words[0]) }) else { return }
        guard media.rids.count < limits.attributes else { throw .tooMany("a=rid", limit: limits.attributes) }
        var rid = RID(id: String(words[0]), isReceived: words[1] == "recv")
        for item in words.dropFirst(2).joined().split(separator: ";") where item.trimmed.hasPrefix("pt=") {
            rid.payloadTypes += item.trimmed.dropFirst(3).split(separator: ",").prefix(limits.formats).compactMap {
                UInt8($0)
            }
        }
        media.rids.append(rid)
    }

    /// RFC 8853 §5.1: `send` or `recv` and a list, once or twice. Before it was a standard, lists began with `rid=`.
    private mutating func readSimulcast(_ value: Substring, line: Int, limits: SDPLimits) throws(SDPFailure) {
        let words = value.split(separator: " ")
        guard words.count.isMultiple(of: 2), !words.isEmpty else { throw .malformed("a=simulcast", line: line) }
        var simulcast = Simulcast()
        for index in stride(from: 0, to: words.count, by: 2) {
            let list = words[index + 1].hasPrefix("rid=") ? words[index + 1].dropFirst(4) : words[index + 1]
            guard let streams = Simulcast.streams(list) else { throw .malformed("a=simulcast", line: line) }
            guard streams.joined().count <= limits.attributes else {
                throw .tooMany("streams in a=simulcast", limit: limits.attributes)
            }
            switch words[index] {
            case "recv": simulcast.receive = streams
            case "send": simulcast.send = streams
            default: throw .malformed("a=simulcast", line: line)
            }
        }
        media.simulcast = simulcast
    }

    /// RFC 5576 §4.1. Lines of one source are put together.
    private mutating func readSource(_ value: Substring, limits: SDPLimits) throws(SDPFailure) {
        let words = value.split(separator: " ", maxSplits: 1)
        guard words.count == 2, let ssrc = UInt32(words[0]) else { return }
        if !media.sources.contains(where: { $0.ssrc == ssrc }) {
            guard media.sources.count < limits.attributes else {
                throw .tooMany("sources in a=ssrc", limit: limits.attributes)
            }
            media.sources.append(MediaSource(ssrc: ssrc))
        }
        guard let index = media.sources.firstIndex(where: { $0.ssrc == ssrc }) else { return }
        let pair = words[1].split(separator: ":", maxSplits: 1)
        guard pair.count == 2 else { return }
        switch pair[0] {
        case "cname": media.sources[index].canonicalName = pair[1].trimmed.isEmpty ? nil : String(pair[1].trimmed)
        case "msid": media.sources[index].stream = MediaStreamID(parsing: pair[1])
        default: break
        }
    }

    private mutating func readSourceGroup(_ value: Substring, limits: SDPLimits) throws(SDPFailure) {
        let words = value.split(separator: " ")
        guard let word = words.first, let semantics = SourceGroup.Semantics(rawValue: String(word)) else { return }
        let sources = words.dropFirst().compactMap { UInt32($0) }
        guard !sources.isEmpty else { return }
        guard media.sourceGroups.count < limits.attributes, sources.count <= limits.attributes else {
            throw .tooMany("sources in a=ssrc-group", limit: limits.attributes)
        }
        media.sourceGroups.append(SourceGroup(semantics: semantics, sources: sources))
    }
}

extension Simulcast {
    /// Streams between semicolons, their alternatives between commas, `~` before what begins paused.
    fileprivate static func streams(_ list: Substring) -> [[Alternative]]? {
        var streams: [[Alternative]] = []
        for part in list.split(separator: ";", omittingEmptySubsequences: false) {
            let names = part.split(separator: ",", omittingEmptySubsequences: false)
            let ids = names.map { $0.hasPrefix("~") ? $0.dropFirst() : $0 }
            guard ids.allSatisfy(\.isRID) else { return nil }
            streams.append(zip(names, ids).map { Alternative(id: String($1), isPaused: $0.hasPrefix("~")) })
        }
        return streams
    }
}

extension MediaStreamID {
    /// Nil unless the words are tokens.
    fileprivate init?(parsing text: Substring) {
        let words = text.split(separator: " ")
        guard (1...2).contains(words.count), words.allSatisfy(\.isToken) else { return nil }
        self.init(stream: String(words[0]), track: words.count > 1 ? String(words[1]) : nil)
    }
}
