// SPDX-License-Identifier: Apache-2.0

import Bytes

/// Reads a session description, or the part of one that trickles (RFC 8840), line by line.
///
/// Lenient where clients differ and nothing depends on it: line ends, order within a section, attributes unknown,
/// repeated or useless. Strict where a wrong guess would fail later and elsewhere: media lines, formats, transport.
struct SDPDecoder {
    let limits: SDPLimits
    /// What the session says of the transport of all media.
    private(set) var defaults = TransportDraft()
    private var session = SessionDescription()
    private var draft: MediaDraft?

    init(limits: SDPLimits) { self.limits = limits }

    mutating func decode(_ bytes: ByteSlice, isFragment: Bool) throws(SDPFailure) -> SessionDescription {
        guard bytes.count <= limits.length.bytes else { throw .tooLong(bytes.count) }
        let lines = try SDPLine.lines(of: bytes, longest: limits.lineLength)
        guard isFragment || lines.first?.letter == UInt8(ascii: "v") && lines.first?.value == "0" else {
            throw .noVersion
        }
        for line in lines { try read(line) }
        closeMedia()
        return session
    }

    private mutating func read(_ line: SDPLine) throws(SDPFailure) {
        switch line.letter {
        case UInt8(ascii: "a"):
            if draft == nil { try readSessionAttribute(line) } else { try readMediaAttribute(line) }
        case UInt8(ascii: "m"):
            closeMedia()
            guard session.media.count < limits.media else { throw .tooMany("m=", limit: limits.media) }
            draft = try MediaDraft(line)
        case UInt8(ascii: "o"): readOrigin(line)
        default: break
        }
    }

    /// RFC 8866 §5.2. Of no use but to be written again, so nothing in it is refused.
    private mutating func readOrigin(_ line: SDPLine) {
        let words = line.value.split(separator: " ")
        guard draft == nil, words.count >= 3 else { return }
        session.sessionID = UInt64(words[1]) ?? 0
        session.version = UInt64(words[2]) ?? 0
    }

    private mutating func readSessionAttribute(_ line: SDPLine) throws(SDPFailure) {
        let (name, value) = line.attribute
        if try defaults.read(name, value, line: line.number, limits: limits) { return }
        switch name {
        case "extmap-allow-mixed": session.allowsMixedExtensionHeaders = true
        case "group": try readGroup(value, line: line.number)
        case "ice-lite": session.isICELite = true
        default: break
        }
    }

    /// RFC 5888 §5. Of the groups only the first BUNDLE is for us.
    private mutating func readGroup(_ value: Substring, line: Int) throws(SDPFailure) {
        let words = value.split(separator: " ")
        guard words.first == "BUNDLE", session.bundle.isEmpty else { return }
        guard words.allSatisfy(\.isToken) else { throw .malformed("a=group", line: line) }
        guard words.count <= limits.attributes else { throw .tooMany("mids in a=group", limit: limits.attributes) }
        session.bundle = words.dropFirst().map { String($0) }
    }

    private mutating func readMediaAttribute(_ line: SDPLine) throws(SDPFailure) {
        let (name, value) = line.attribute
        if name == "extmap-allow-mixed" {
            session.allowsMixedExtensionHeaders = true
        } else if name == "mid" {
            guard value.isToken else { throw .malformed("a=mid", line: line.number) }
            guard !session.media.contains(where: { $0.mid == String(value) }) else {
                throw .duplicateMid(String(value), line: line.number)
            }
            draft?.media.mid = String(value)
        } else {
            try draft?.read(name, value, line: line.number, limits: limits)
        }
    }

    private mutating func closeMedia() {
        guard let draft else { return }
        session.media.append(draft.finished(defaults: defaults))
        self.draft = nil
    }
}
