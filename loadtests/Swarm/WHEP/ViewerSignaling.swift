// SPDX-License-Identifier: Apache-2.0

public import WebRTC

/// How a viewer and its server come to know of each other: requests over HTTP, one after the other.
public protocol ViewerSignaling: Sendable {
    /// The first request.
    mutating func start(_ party: LocalParty) -> HTTPRequest
    /// The answer to the last request.
    mutating func receive(_ answer: HTTPAnswer) throws(PlayFault) -> SignalingStep
    /// The request that ends the session; nil where there is none.
    func leave() -> HTTPRequest?
}

/// What follows an answer.
public enum SignalingStep: Hashable, Sendable {
    /// Another request; what the server says of itself may be known before its answer.
    case ask(HTTPRequest, SessionDescription?)
    /// This is what the server says of itself, and all is said.
    case described(SessionDescription)
    /// All is said.
    case done
}

/// WHEP (draft-ietf-wish-whep), and WHIP (RFC 9725) whose media goes the other way: one POST, and one DELETE.
public struct WHEPSignaling: ViewerSignaling {
    private var address: HTTPAddress
    private let fields: [String: String]
    private var offer = ""
    private var redirects = 0
    private var session: HTTPAddress?

    /// A viewer of an endpoint, or a publisher at one.
    /// - Parameter token: the bearer's token; nil for none.
    public init(_ address: HTTPAddress, token: String? = nil) {
        self.address = address
        fields = token.map { ["Authorization": "Bearer \($0)"] } ?? [:]
    }

    /// Offers to view.
    public mutating func start(_ party: LocalParty) -> HTTPRequest { start(offer: party.offer) }

    /// Offers this.
    mutating func start(offer: SessionDescription) -> HTTPRequest {
        self.offer = offer.text
        return post
    }

    /// Takes the answer, follows the server elsewhere, or fails by the kind of its refusal.
    public mutating func receive(_ answer: HTTPAnswer) throws(PlayFault) -> SignalingStep {
        switch answer.status {
        case 201: return .described(try take(answer))
        case 307, 308:
            guard redirects < Self.mostRedirects else { throw .redirects }
            guard let next = answer.location.flatMap(address.following) else { throw .malformed }
            redirects += 1
            address = next
            return .ask(post, nil)
        case 200...299 where session != nil: return .done
        case 400...499: throw .refused
        case 500...599: throw .server
        default: throw .malformed
        }
    }

    /// Deletes what the server named.
    public func leave() -> HTTPRequest? { session.map { HTTPRequest("DELETE", $0, fields: fields) } }

    private var post: HTTPRequest {
        let fields = fields.merging(["Content-Type": "application/sdp", "Accept": "application/sdp"]) { $1 }
        return HTTPRequest("POST", address, fields: fields, body: offer)
    }

    private mutating func take(_ answer: HTTPAnswer) throws(PlayFault) -> SessionDescription {
        session = answer.location.flatMap(address.following)
        guard session != nil else { throw .malformed }
        do { return try SessionDescription(parsing: answer.body) } catch { throw .description }
    }

    private static let mostRedirects = 5
}
