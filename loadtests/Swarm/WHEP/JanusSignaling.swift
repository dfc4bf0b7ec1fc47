// SPDX-License-Identifier: Apache-2.0

import Foundation
import WebRTC

/// The streaming plugin of Janus, by its REST API: a session, a handle, the wish to watch, the offer that comes as
/// an event, and the answer. Janus lets the session go after a minute without a request, unless it is told otherwise
/// (`session_timeout`).
public struct JanusSignaling: ViewerSignaling {
    private let api: HTTPAddress
    private let mountpoint: Int
    private var party: LocalParty?
    private var state = State.creating
    private var session: HTTPAddress?

    private enum State {
        case creating
        case attaching
        /// The wish is on its way; behind it the offer is asked for until it is there.
        case watching(handle: HTTPAddress)
        case answering
        case done
    }

    /// A viewer of a mountpoint.
    /// - Parameter api: where the API is, as in `http://127.0.0.1:8088/janus`.
    public init(_ api: HTTPAddress, mountpoint: Int) {
        self.api = api
        self.mountpoint = mountpoint
    }

    /// Asks for a session of the API.
    public mutating func start(_ party: LocalParty) -> HTTPRequest {
        self.party = party
        return message("create", to: api)
    }

    /// Goes a step further: handle, wish, offer, answer.
    public mutating func receive(_ answer: HTTPAnswer) throws(PlayFault) -> SignalingStep {
        guard answer.status == 200 else { throw answer.status >= 500 ? .server : .refused }
        guard let reply = try? JSONDecoder().decode(Reply.self, from: Data(answer.body)) else { throw .malformed }
        guard reply.janus != "error", reply.plugindata?.data?.error == nil else { throw .refused }
        switch state {
        case .creating:
            session = below(api, try identifier(reply))
            state = .attaching
            return .ask(message("attach", to: session ?? api, ["plugin": "janus.plugin.streaming"]), nil)
        case .attaching:
            let handle = below(session ?? api, try identifier(reply))
            state = .watching(handle: handle)
            let watch: [String: Any] = ["request": "watch", "id": mountpoint]
            return .ask(message("message", to: handle, ["body": watch]), nil)
        case .watching(let handle): return try watch(reply, handle)
        case .answering, .done:
            state = .done
            return .done
        }
    }

    /// Ends the session, and with it the handle.
    public func leave() -> HTTPRequest? { session.map { message("destroy", to: $0) } }
}

extension JanusSignaling {
    /// What is read of a reply.
    private struct Reply: Decodable {
        struct Data: Decodable {
            struct Inner: Decodable { let error: String? }
            let id: Int?
            let data: Inner?
        }
        struct Description: Decodable { let sdp: String }
        let janus: String
        let data: Data?
        let plugindata: Data?
        let jsep: Description?
    }

    /// The offer, or another look for it.
    private mutating func watch(_ reply: Reply, _ handle: HTTPAddress) throws(PlayFault) -> SignalingStep {
        guard let jsep = reply.jsep, let party else {
            return .ask(HTTPRequest("GET", below(session ?? api, nil)), nil)
        }
        guard let offer = try? SessionDescription(parsing: Array(jsep.sdp.utf8)[...]) else { throw .description }
        state = .answering
        let answer = ["type": "answer", "sdp": party.answer(to: offer).text]
        let start: [String: Any] = ["body": ["request": "start"], "jsep": answer]
        return .ask(message("message", to: handle, start), offer)
    }

    private func identifier(_ reply: Reply) throws(PlayFault) -> Int {
        guard reply.janus == "success", let id = reply.data?.id else { throw .malformed }
        return id
    }

    private func message(_ kind: String, to address: HTTPAddress, _ more: [String: Any] = [:]) -> HTTPRequest {
        let body = more.merging(["janus": kind, "transaction": "millrace"]) { $1 }
        let json = (try? JSONSerialization.data(withJSONObject: body)).map { String(decoding: $0, as: UTF8.self) }
        return HTTPRequest("POST", address, fields: ["Content-Type": "application/json"], body: json ?? "")
    }

    private func below(_ address: HTTPAddress, _ id: Int?) -> HTTPAddress {
        address.at(address.path + (id.map { "/\($0)" } ?? "?maxev=1"))
    }
}
