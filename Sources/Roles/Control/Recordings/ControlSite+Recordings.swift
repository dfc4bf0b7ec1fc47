// SPDX-License-Identifier: Apache-2.0

import Access
import Foundation
import HTTPTypes
import Hummingbird
import Identity
import WebServer

// What the object store has. Each node with a store answers for all of them.

extension ControlSite {
    func addRecordingRoutes(to router: Router<WebRequestContext>) {
        router.get("/api/v1/recordings") { request, context in
            try check(.reader, request, context)
            return try await recordings(request)
        }
        router.get("/api/v1/recordings/:id") { request, context in
            try check(.reader, request, context)
            let (desk, id) = (try recordingDesk, try recordingID(context))
            guard let recording = try await told({ () throws(RecordingTrouble) in try await desk.recording(id) }) else {
                throw Self.noRecording
            }
            return try answer(recording)
        }
        router.delete("/api/v1/recordings/:id") { request, context in
            try check(.operator, request, context)
            let (desk, id) = (try recordingDesk, try recordingID(context))
            guard try await told({ () throws(RecordingTrouble) in try await desk.delete(id) }) else {
                throw Self.noRecording
            }
            return Response(status: .noContent)
        }
    }

    private func recordings(_ request: Request) async throws -> Response {
        let desk = try recordingDesk
        let query = request.uri.queryParameters
        var stream: StreamID?
        if let text = query["stream"] {
            guard let id = try? StreamID(parsing: String(text)) else { throw Self.noStream }
            stream = id
        }
        let limit = query["limit"].map { Int($0) } ?? 100
        guard let limit, (1...1000).contains(limit) else {
            throw HTTPError(.badRequest, message: "limit is a number from 1 to 1000")
        }
        let mark = query["after"].map(String.init)
        return try answer(
            try await told { () throws(RecordingTrouble) in
                try await desk.recordings(of: stream, after: mark, limit: limit)
            })
    }

    private var recordingDesk: any RecordingDesk {
        get throws {
            guard let desk = node.recordings else {
                throw HTTPError(.notFound, message: "this node has no object store: storage.kind is none")
            }
            return desk
        }
    }

    private func recordingID(_ context: WebRequestContext) throws -> String {
        guard let id = context.parameters.get("id")?.removingPercentEncoding else { throw Self.noRecording }
        return id
    }

    /// What the desk says; what troubles it as a status.
    private func told<Value: Sendable>(
        _ ask: () async throws(RecordingTrouble) -> Value
    ) async throws -> Value {
        do throws(RecordingTrouble) {
            return try await ask()
        } catch {
            switch error {
            case .beingWritten: throw HTTPError(.conflict, message: "the stream is live; stop it first")
            case .store(let word): throw HTTPError(.badGateway, message: "the object store: \(word)")
            }
        }
    }

    private static let noRecording = HTTPError(.notFound, message: "recording not found")
}
