// SPDX-License-Identifier: Apache-2.0

import RTMP

/// `rtmp://host/app/name`, played.
public final class RTMPConversation: PlayConversation {
    private var session: ClientSession
    private var directives: [ClientSession.Directive] = []

    /// A conversation about the stream that the path of `address` names, its last part in the app of all others.
    public init(_ address: HTTPAddress) {
        let parts = address.path.split(separator: "/").map(String.init)
        let app = parts.dropLast().joined(separator: "/")
        session = ClientSession(
            .play, app: app, name: parts.last ?? "", url: "rtmp://\(address.authority)/\(app)")
    }

    /// The connection is there.
    public func begin(into events: inout [PlayEvent]) {
        session.start(random: Self.random, into: &directives)
        tell(&events)
    }

    /// Takes bytes from the server.
    public func receive(_ bytes: UnsafeRawBufferPointer, into events: inout [PlayEvent]) {
        var isMalformed = false
        do throws(RTMPFailure) { try session.receive(bytes, into: &directives) } catch { isMalformed = true }
        tell(&events)
        if isMalformed { events.append(.failed(.malformed)) }
    }

    /// The server has ended the connection.
    public func end(into events: inout [PlayEvent]) { events.append(.failed(session.isRunning ? .ended : .connection)) }

    /// The viewer goes.
    public func leave(into events: inout [PlayEvent]) {
        session.finish(into: &directives)
        tell(&events)
    }

    private func tell(_ events: inout [PlayEvent]) {
        for directive in directives {
            switch directive {
            case .ended: events.append(.failed(.ended))
            case .media(let message): events.append(.media(message))
            case .reconnect: break
            case .refused: events.append(.failed(.refused))
            case .send(let bytes): events.append(.send(bytes))
            case .started: events.append(.accepted)
            }
        }
        directives.removeAll(keepingCapacity: true)
    }

    /// The handshake's random part, which no server looks at twice.
    private static let random = (0..<1536).map { _ in UInt8.random(in: 0...255) }
}
