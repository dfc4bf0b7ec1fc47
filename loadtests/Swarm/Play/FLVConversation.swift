// SPDX-License-Identifier: Apache-2.0

import RTMP

/// `/app/name.flv`, an answer of HTTP without an end.
public final class FLVConversation: PlayConversation {
    private let address: HTTPAddress
    private var http = HTTPAnswerDecoder()
    private var flv = FLVDecoder()
    private var isAccepted = false

    /// A conversation about one file.
    public init(_ address: HTTPAddress) { self.address = address }

    /// The connection is there.
    public func begin(into events: inout [PlayEvent]) {
        let head = "GET \(address.path) HTTP/1.1\r\nHost: \(address.authority)\r\nUser-Agent: millrace-load\r\n\r\n"
        events.append(.send(Array(head.utf8)))
    }

    /// Takes bytes from the server.
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

    /// The server has ended the connection.
    public func end(into events: inout [PlayEvent]) { events.append(.failed(isAccepted ? .ended : .connection)) }

    /// The viewer goes.
    public func leave(into events: inout [PlayEvent]) {}

    private func refuse(_ answer: HTTPAnswer, _ events: inout [PlayEvent]) {
        if [301, 302, 303, 307, 308].contains(answer.status), let location = answer.location,
            let place = address.following(location), !place.isSecure
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
