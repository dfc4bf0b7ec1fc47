// SPDX-License-Identifier: Apache-2.0

import Cluster
import WebRTC

extension SessionDescription {
    /// Any description that reading can give.
    static func random(using random: inout some RandomNumberGenerator) -> SessionDescription {
        var description = SessionDescription(sessionID: random.next(), version: UInt64(UInt16(random.next() & 0xFFFF)))
        description.isICELite = .random(using: &random)
        description.allowsMixedExtensionHeaders = .random(using: &random)
        description.media = (0..<Int.random(in: 0...4, using: &random)).map { index in
            var medium = MediaDescription.random(using: &random)
            medium.mid = Bool.random(using: &random) ? "m\(index)" : nil
            return medium
        }
        description.bundle = description.media.compactMap(\.mid)
        return description
    }
}

extension MediaDescription {
    fileprivate static func random(using random: inout some RandomNumberGenerator) -> MediaDescription {
        var medium = MediaDescription(
            kind: .allCases[Int.random(in: 0...2, using: &random)], port: UInt16(random.next() & 0xFFFF))
        medium.direction = .allCases[Int.random(in: 0...3, using: &random)]
        medium.isBundleOnly = .random(using: &random)
        medium.multiplexesRTCP = .random(using: &random)
        medium.onlyMultiplexesRTCP = .random(using: &random)
        medium.reducesRTCP = .random(using: &random)
        medium.setup = DTLSSetup.allCases.randomElement(using: &random)
        medium.hasEndOfCandidates = .random(using: &random)
        if Bool.random(using: &random) {
            medium.credentials = ICECredentials(fragment: word(&random), password: word(&random))
        }
        medium.iceOptions = some(&random) { word(&$0) }.unique
        medium.formats = Set(some(&random) { UInt8($0.next() & 127) }).map { .random($0, using: &random) }
        medium.extensions = zip(HeaderExtensionKind.allCases.shuffled(using: &random), some(&random) { _ in 0 })
            .enumerated().map { HeaderExtension(id: UInt8($0.offset + 1), kind: $0.element.0) }
        medium.candidates = some(&random) { .random(using: &$0) }
        medium.fingerprints = some(&random) { .random(using: &$0) }
        medium.streams = some(&random) { .random(using: &$0) }.unique
        addSources(to: &medium, using: &random)
        return medium
    }

    private static func addSources(to medium: inout MediaDescription, using random: inout some RandomNumberGenerator) {
        medium.rids = some(&random) { word(&$0) }.unique.map {
            RID(id: $0, isReceived: .random(using: &random), payloadTypes: some(&random) { UInt8($0.next() & 127) })
        }
        medium.simulcast.send = some(&random) { _ in 0 }.map { _ in alternatives(&random) }
        medium.simulcast.receive = some(&random) { _ in 0 }.map { _ in alternatives(&random) }
        medium.sources = Set(some(&random) { UInt32($0.next() & 0xFFFF) }).map { ssrc in
            MediaSource(
                ssrc: ssrc, canonicalName: word(&random),
                stream: Bool.random(using: &random) ? .random(using: &random) : nil)
        }
        medium.sourceGroups = some(&random) { _ in 0 }.map { _ in
            SourceGroup(
                semantics: Bool.random(using: &random) ? .flowIdentification : .simulcast,
                sources: [7] + some(&random) { UInt32($0.next() & 0xFFFF) })
        }
    }

    private static func alternatives(_ random: inout some RandomNumberGenerator) -> [Simulcast.Alternative] {
        [Simulcast.Alternative(id: "first")]
            + some(&random) { Simulcast.Alternative(id: word(&$0), isPaused: .random(using: &$0)) }
    }
}

extension PayloadFormat {
    fileprivate static func random(_ type: UInt8, using random: inout some RandomNumberGenerator) -> PayloadFormat {
        PayloadFormat(
            payloadType: type, encoding: word(&random), clockRate: UInt32(random.next() & 0xFFFF) + 1,
            channels: UInt8.random(in: 1...8, using: &random),
            parameters: some(&random) { "\(word(&$0))=\(word(&$0))" }.joined(separator: ";"),
            feedback: RTCPFeedback(rawValue: UInt8(random.next() & 31)))
    }
}

extension ICECandidate {
    fileprivate static func random(using random: inout some RandomNumberGenerator) -> ICECandidate {
        var candidate = ICECandidate(
            foundation: word(&random), priority: UInt32(random.next() & 0xFFFF_FFFF), endpoint: endpoint(&random),
            kind: .allCases[Int.random(in: 0...3, using: &random)])
        if Bool.random(using: &random) { candidate.related = endpoint(&random) }
        if Bool.random(using: &random) {
            candidate.transport = .tcp
            candidate.opening = Opening.allCases.randomElement(using: &random)
        }
        return candidate
    }

    private static func endpoint(_ random: inout some RandomNumberGenerator) -> Endpoint {
        let address: IPAddress =
            Bool.random(using: &random)
            ? .v4(UInt32(random.next() & 0xFFFF_FFFF)) : .v6(random.next() | 1 << 61, random.next())
        return Endpoint(address: address, port: UInt16(random.next() & 0xFFFF))
    }
}

extension SDPFingerprint {
    fileprivate static func random(using random: inout some RandomNumberGenerator) -> SDPFingerprint {
        let algorithm = Algorithm.allCases[Int.random(in: 0...2, using: &random)]
        let bytes = (0..<algorithm.length).map { _ in UInt8(random.next() & 0xFF) }
        guard let fingerprint = SDPFingerprint(algorithm: algorithm, bytes: bytes) else {
            preconditionFailure("\(algorithm) has another length")
        }
        return fingerprint
    }
}

extension MediaStreamID {
    fileprivate static func random(using random: inout some RandomNumberGenerator) -> MediaStreamID {
        MediaStreamID(stream: word(&random), track: Bool.random(using: &random) ? word(&random) : nil)
    }
}

/// One to twelve characters that every kind of word allows.
private func word(_ random: inout some RandomNumberGenerator) -> String {
    let letters = Array("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
    return String((0..<Int.random(in: 1...12, using: &random)).map { _ in letters[Int(random.next() % 62)] })
}

/// None to three of something.
private func some<Random: RandomNumberGenerator, Item>(_ random: inout Random, _ make: (inout Random) -> Item) -> [Item]
{
    (0..<Int.random(in: 0...3, using: &random)).map { _ in make(&random) }
}

extension [String] {
    fileprivate var unique: [String] { reduce(into: []) { if !$0.contains($1) { $0.append($1) } } }
}

extension [MediaStreamID] {
    fileprivate var unique: [MediaStreamID] { reduce(into: []) { if !$0.contains($1) { $0.append($1) } } }
}
