// SPDX-License-Identifier: Apache-2.0

import Cluster
import Fanout
import FanoutAPI
import GRPCCore
import Media
import SwiftProtobuf

/// `rtpfanout.SessionService`: each call is one of the desk.
struct SessionService: Rtpfanout_SessionService.SimpleServiceProtocol {
    let desk: FanoutDesk

    func createSession(
        request: Rtpfanout_CreateSessionRequest, context: ServerContext
    ) async throws -> Rtpfanout_SessionResponse {
        let source = try endpoint(request.sourceAddress, "source_address")
        guard let mediaType = request.mediaType.isEmpty ? .data : MediaType(rawValue: request.mediaType) else {
            throw RPCError(code: .invalidArgument, message: "media_type is audio, video or data")
        }
        let status = try asked { () throws(SessionFailure) in
            try desk.create(source: source, ssrc: request.ssrc, mediaType: mediaType)
        }
        return answer(status, isActive: false)
    }

    func getSession(
        request: Rtpfanout_GetSessionRequest, context: ServerContext
    ) async throws -> Rtpfanout_SessionResponse {
        let (status, counters) = try session(request.sessionID)
        return answer(status, isActive: counters.packetsReceived > 0)
    }

    func deleteSession(
        request: Rtpfanout_DeleteSessionRequest, context: ServerContext
    ) async throws -> Google_Protobuf_Empty {
        let id = try id(request.sessionID)
        try asked { () throws(SessionFailure) in try desk.delete(id) }
        return Google_Protobuf_Empty()
    }

    func listSessions(
        request: Rtpfanout_ListSessionsRequest, context: ServerContext
    ) async throws -> Rtpfanout_ListSessionsResponse {
        guard let after = request.cursor.isEmpty ? 0 : SessionNumber(request.cursor) else {
            throw RPCError(code: .invalidArgument, message: "cursor is none that was given")
        }
        guard request.limit >= 0 else { throw RPCError(code: .invalidArgument, message: "limit is negative") }
        let limit = request.limit == 0 ? Self.page : min(Int(request.limit), Self.page)
        let sessions = desk.sessions(limit: limit + 1, after: after)
        return .with { list in
            list.sessions = sessions.prefix(limit).map { answer($0.status, isActive: $0.counters.packetsReceived > 0) }
            if sessions.count > limit { list.nextCursor = "\(sessions[limit - 1].status.number)" }
        }
    }

    func addSubscriber(
        request: Rtpfanout_AddSubscriberRequest, context: ServerContext
    ) async throws -> Google_Protobuf_Empty {
        let (id, subscriber) = (try id(request.sessionID), try self.subscriber(request.subscriberAddress))
        do throws(SessionFailure) { try await desk.add(subscriber, to: id) } catch {
            throw RPCError(code: error.code, message: error.description)
        }
        return Google_Protobuf_Empty()
    }

    func removeSubscriber(
        request: Rtpfanout_RemoveSubscriberRequest, context: ServerContext
    ) async throws -> Google_Protobuf_Empty {
        let (id, subscriber) = (try id(request.sessionID), try self.subscriber(request.subscriberAddress))
        try asked { () throws(SessionFailure) in try desk.unsubscribe(subscriber, from: id) }
        return Google_Protobuf_Empty()
    }

    func getSessionStats(
        request: Rtpfanout_GetSessionStatsRequest, context: ServerContext
    ) async throws -> Rtpfanout_SessionStatsResponse {
        let (status, counters) = try session(request.sessionID)
        let uptime = desk.age(of: status)
        return .with { stats in
            stats.sessionID = status.id.description
            stats.packetsReceived = UInt64(clamping: counters.packetsReceived)
            stats.packetsSent = UInt64(clamping: counters.packetsSent)
            stats.bytesReceived = UInt64(clamping: counters.bytesReceived)
            stats.bytesSent = UInt64(clamping: counters.bytesSent)
            stats.subscriberCount = Int32(clamping: status.subscriberCount)
            stats.uptimeSeconds = uptime
            stats.packetsPerSecond = uptime > 0 ? Double(counters.packetsReceived) / uptime : 0
        }
    }

    /// The most sessions in one answer.
    private static let page = 1000
}

extension SessionService {
    private func session(_ text: String) throws(RPCError) -> (status: SessionStatus, counters: SessionCounters) {
        guard let session = desk.session(try id(text)) else {
            throw RPCError(code: .notFound, message: SessionFailure.unknownSession.description)
        }
        return session
    }

    private func id(_ text: String) throws(RPCError) -> SessionID {
        guard let id = SessionID(parsing: text) else {
            throw RPCError(code: .invalidArgument, message: "session_id is no UUID")
        }
        return id
    }

    private func endpoint(_ text: String, _ name: String) throws(RPCError) -> Endpoint {
        guard let endpoint = Endpoint(parsing: text) else {
            throw RPCError(code: .invalidArgument, message: "\(name) is an IP address and a port, 192.0.2.1:5004")
        }
        return endpoint
    }

    /// Where packets can be sent to.
    private func subscriber(_ text: String) throws(RPCError) -> Endpoint {
        let endpoint = try endpoint(text, "subscriber_address")
        guard endpoint.isOneReceiver else {
            throw RPCError(code: .invalidArgument, message: "subscriber_address is not that of one receiver")
        }
        return endpoint
    }

    private func asked<Value>(_ body: () throws(SessionFailure) -> Value) throws(RPCError) -> Value {
        do throws(SessionFailure) {
            return try body()
        } catch {
            throw RPCError(code: error.code, message: error.description)
        }
    }

    private func answer(_ status: SessionStatus, isActive: Bool) -> Rtpfanout_SessionResponse {
        .with { session in
            session.sessionID = status.id.description
            session.sourceAddress = status.source.description
            session.ssrc = status.ssrc
            session.subscriberCount = Int64(status.subscriberCount)
            session.createdAt = status.createdAt.description
            session.status = isActive ? "active" : "waiting"
        }
    }
}

extension SessionFailure {
    /// The status that says the same.
    fileprivate var code: RPCError.Code {
        switch self {
        case .sourceIsTaken: .alreadyExists
        case .tooManyAsked, .tooManySessions, .tooManySubscribers: .resourceExhausted
        case .unknownSession, .unknownSubscriber: .notFound
        }
    }
}
