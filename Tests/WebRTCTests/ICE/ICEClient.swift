// SPDX-License-Identifier: Apache-2.0

import Cluster
import TestKit
import Testing
import WebRTC

/// The other party of a session, as a browser is: it checks and nominates.
struct ICEClient {
    var random: SeededRandom
    var session: ICESession
    var credentials: ICELocalCredentials
    var now: Duration = .zero

    init(seed: UInt64 = 1, settings: ICESettings = ICESettings()) {
        random = SeededRandom(seed: seed)
        credentials = .random(using: &random)
        session = ICESession(credentials: credentials, settings: settings, now: .zero)
    }

    /// A check with the credentials in use, but for what is given.
    mutating func check(
        nominates: Bool = true, role: STUNRole = .controlling(tieBreaker: 7), password: String? = nil,
        fragment: ICEFragment? = nil, attributes: [UInt16] = []
    ) -> [UInt8] {
        var writer = STUNWriter(.bindingRequest, transaction: .random(using: &random))
        writer.append(username: "\(fragment ?? credentials.fragment):abcd")
        writer.append(priority: 1 << 24)
        writer.append(role: role)
        if nominates { writer.appendUseCandidate() }
        for type in attributes { writer.append(type, []) }
        return writer.finish(key: STUNIntegrityKey(password: password ?? credentials.password))
    }

    /// Gives bytes to the session and returns what it says.
    mutating func send(_ bytes: [UInt8], from path: ICEPath) throws -> [ICESession.Directive] {
        var directives: [ICESession.Directive] = []
        let message = try STUNMessage(parsing: bytes)
        session.receive(message, in: bytes.span, on: path, now: now, into: &directives)
        return directives
    }

    mutating func tick() -> [ICESession.Directive] {
        var directives: [ICESession.Directive] = []
        session.tick(now: now, into: &directives)
        return directives
    }

    mutating func restart(_ credentials: ICELocalCredentials) -> [ICESession.Directive] {
        var directives: [ICESession.Directive] = []
        session.restart(credentials, into: &directives)
        return directives
    }
}

/// The path of a number.
func path(_ number: UInt32, transport: ICETransport = .udp) -> ICEPath {
    ICEPath(transport: transport, remote: Endpoint(address: .v4(0xC000_0200 + number), port: 5000))
}

extension [ICESession.Directive] {
    /// All but what is sent.
    var events: Self {
        filter { directive in
            if case .send = directive { false } else { true }
        }
    }

    /// The answers sent, read.
    func answers() throws -> [STUNMessage] {
        try compactMap { directive in
            guard case .send(let bytes, _) = directive else { return nil }
            return try STUNMessage(parsing: bytes)
        }
    }
}
