// SPDX-License-Identifier: Apache-2.0

public import RTMP

/// What one connection to a server of live media says and hears, whatever its protocol.
public protocol PlayConversation: AnyObject {
    /// The connection is there.
    func begin(into events: inout [PlayEvent])
    /// Takes bytes from the server.
    func receive(_ bytes: UnsafeRawBufferPointer, into events: inout [PlayEvent])
    /// The server has ended the connection.
    func end(into events: inout [PlayEvent])
    /// The viewer goes.
    func leave(into events: inout [PlayEvent])
}

/// What comes of it.
public enum PlayEvent: Hashable, Sendable {
    /// Send these bytes.
    case send([UInt8])
    /// The server lets the viewer watch.
    case accepted
    /// A message of the stream.
    case media(MediaMessage)
    /// Ask there instead, over another connection.
    case redirected(HTTPAddress)
    /// Nothing more comes.
    case failed(PlayFault)
}

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

    public func begin(into events: inout [PlayEvent]) {
        session.start(random: Self.random, into: &directives)
        tell(&events)
    }

    public func receive(_ bytes: UnsafeRawBufferPointer, into events: inout [PlayEvent]) {
        var isMalformed = false
        do throws(RTMPFailure) { try session.receive(bytes, into: &directives) } catch { isMalformed = true }
        tell(&events)
        if isMalformed { events.append(.failed(.malformed)) }
    }

    public func end(into events: inout [PlayEvent]) { events.append(.failed(session.isRunning ? .ended : .connection)) }

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

/// `/app/name.flv`, an answer of HTTP without an end.
public final class FLVConversation: PlayConversation {
    private let address: HTTPAddress
    private var http = HTTPAnswerDecoder()
    private var flv = FLVDecoder()
    private var isAccepted = false

    /// A conversation about one file.
    public init(_ address: HTTPAddress) { self.address = address }

    public func begin(into events: inout [PlayEvent]) {
        let head = "GET \(address.path) HTTP/1.1\r\nHost: \(address.authority)\r\nUser-Agent: millrace-load\r\n\r\n"
        events.append(.send(Array(head.utf8)))
    }

    public func receive(_ bytes: UnsafeRawBufferPointer, into events: inout [PlayEvent]) {
        var input = bytes
        do {
            let answer = try http.next(&input)
            guard http.status == 200 || isAccepted else {
                if let answer { refuse(answer, &events) }
                return
            }
            if !isAccepted { events.append(.accepted) }
            isAccepted = true
            flv.append(answer?.body ?? http.takeBody())
            while let message = try flv.next() { events.append(.media(message)) }
            if answer != nil { events.append(.failed(.ended)) }
        } catch { events.append(.failed(.malformed)) }
    }

    public func end(into events: inout [PlayEvent]) { events.append(.failed(isAccepted ? .ended : .connection)) }

    public func leave(into events: inout [PlayEvent]) {}

    private func refuse(_ answer: HTTPAnswer, _ events: inout [PlayEvent]) {
        if [301, 302, 303, 307, 308].contains(answer.status), let location = answer.location,
            let place = address.following(location)
        {
            return events.append(.redirected(place))
        }
        switch answer.status {
        case 200: events.append(.failed(.ended))
        case 400..<500: events.append(.failed(.refused))
        case 500...: events.append(.failed(.server))
        default: events.append(.failed(.malformed))
        }
    }
}
