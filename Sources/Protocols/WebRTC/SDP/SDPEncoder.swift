// SPDX-License-Identifier: Apache-2.0

/// Writes session descriptions in the order of RFC 8866 §5 and of what clients are used to.
struct SDPEncoder {
    private(set) var text = ""

    /// The whole description.
    static func text(of session: SessionDescription) -> String {
        var encoder = SDPEncoder()
        encoder.line("v=0")
        encoder.line("o=- \(session.sessionID) \(session.version) IN IP4 127.0.0.1")
        encoder.line("s=-")
        encoder.line("t=0 0")
        encoder.append(sessionAttributes: session)
        for media in session.media { encoder.append(media) }
        return encoder.text
    }

    /// Nothing yet.
    init() { text.reserveCapacity(2048) }

    mutating func line(_ line: String) {
        text += line
        text += "\r\n"
    }

    mutating func line(_ line: String, if condition: Bool) {
        if condition { self.line(line) }
    }

    /// `m=` with a format, which there must be.
    mutating func append(mediaLine media: MediaDescription) {
        let types = media.formats.map { " \($0.payloadType)" }.joined()
        line("m=\(media.kind.rawValue) \(media.port) \(media.profile)\(types.isEmpty ? " 0" : types)")
        line("c=IN IP4 0.0.0.0")
        if let mid = media.mid { line("a=mid:\(mid)") }
    }

    mutating func append(ice media: MediaDescription) {
        if let credentials = media.credentials {
            line("a=ice-ufrag:\(credentials.fragment)")
            line("a=ice-pwd:\(credentials.password)")
        }
        line("a=ice-options:\(media.iceOptions.joined(separator: " "))", if: !media.iceOptions.isEmpty)
        for candidate in media.candidates { line("a=candidate:\(candidate.text)") }
        line("a=end-of-candidates", if: media.hasEndOfCandidates)
    }

    private mutating func append(sessionAttributes session: SessionDescription) {
        line("a=group:BUNDLE \(session.bundle.joined(separator: " "))", if: !session.bundle.isEmpty)
        line("a=extmap-allow-mixed", if: session.allowsMixedExtensionHeaders)
        line("a=ice-lite", if: session.isICELite)
    }

    private mutating func append(_ media: MediaDescription) {
        append(mediaLine: media)
        line("a=bundle-only", if: media.isBundleOnly)
        append(ice: media)
        for fingerprint in media.fingerprints {
            line("a=fingerprint:\(fingerprint.algorithm.rawValue) \(fingerprint.text)")
        }
        if let setup = media.setup { line("a=setup:\(setup.rawValue)") }
        line("a=\(media.direction.rawValue)")
        line("a=rtcp-mux", if: media.multiplexesRTCP)
        line("a=rtcp-mux-only", if: media.onlyMultiplexesRTCP)
        line("a=rtcp-rsize", if: media.reducesRTCP)
        for item in media.extensions { line("a=extmap:\(item.id) \(item.kind.rawValue)") }
        for stream in media.streams { line("a=msid:\(stream.text)") }
        for format in media.formats { append(format) }
        append(simulcast: media)
        append(sources: media)
    }

    private mutating func append(_ format: PayloadFormat) {
        let type = format.payloadType
        let channels = format.channels == 1 ? "" : "/\(format.channels)"
        line("a=rtpmap:\(type) \(format.encoding)/\(format.clockRate)\(channels)")
        line("a=fmtp:\(type) \(format.parameters)", if: !format.parameters.isEmpty)
        for (kind, name) in RTCPFeedback.names { line("a=rtcp-fb:\(type) \(name)", if: format.feedback.contains(kind)) }
    }

    private mutating func append(simulcast media: MediaDescription) {
        for rid in media.rids {
            let types = rid.payloadTypes.map { String($0) }.joined(separator: ",")
            line("a=rid:\(rid.id) \(rid.isReceived ? "recv" : "send")\(types.isEmpty ? "" : " pt=" + types)")
        }
        let lists = [("send", media.simulcast.send), ("recv", media.simulcast.receive)].filter { !$0.1.isEmpty }
        let texts = lists.map { direction, streams in
            direction + " " + streams.map { $0.map(\.text).joined(separator: ",") }.joined(separator: ";")
        }
        line("a=simulcast:\(texts.joined(separator: " "))", if: !texts.isEmpty)
    }

    private mutating func append(sources media: MediaDescription) {
        for group in media.sourceGroups {
            let sources = group.sources.map { " \($0)" }.joined()
            line("a=ssrc-group:\(group.semantics.rawValue)\(sources)")
        }
        for source in media.sources {
            if let name = source.canonicalName { line("a=ssrc:\(source.ssrc) cname:\(name)") }
            if let stream = source.stream { line("a=ssrc:\(source.ssrc) msid:\(stream.text)") }
        }
    }
}

extension MediaStreamID {
    fileprivate var text: String { track.map { "\(stream) \($0)" } ?? stream }
}

extension Simulcast.Alternative {
    fileprivate var text: String { (isPaused ? "~" : "") + id }
}
