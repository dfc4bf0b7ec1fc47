// SPDX-License-Identifier: Apache-2.0

import Access
import HTTPTypes
import Hummingbird
import Identity
import NIOCore
import WebServer

// Streams of plain RTP: what `ffmpeg -f rtp` sends, and the description that it prints.

extension ControlSite {
    func addRTPRoutes(to router: Router<WebRequestContext>) {
        router.post("/api/v1/streams/:key/rtp") { request, context in
            try check(.operator, request, context)
            let body = try await request.body.collect(upTo: Self.longestDescription)
            return try feed(request, context, description: Array(body.readableBytesView))
        }
        router.delete("/api/v1/streams/:key/rtp") { request, context in
            try guarded(.operator, request, context) { _ in
                let id = try streamID(context)
                guard node.rtp?.endFeed(of: id) == true else { throw Self.noStream }
                return try answer(StopAnswer(streamKey: id.apiKey))
            }
        }
    }

    private func feed(
        _ request: Request, _ context: WebRequestContext, description: [UInt8]
    ) throws -> Response {
        guard let id = try? streamID(context) else { throw HTTPError(.badRequest, message: "no name of a stream") }
        guard let feeder = node.rtp else {
            throw HTTPError(.serviceUnavailable, message: "this node takes no plain RTP, or no publishers")
        }
        let words = request.uri.queryParameters["ssrc"]?.split(separator: ",", omittingEmptySubsequences: false) ?? []
        let sources = words.compactMap { UInt32($0) }
        guard sources.count == words.count else {
            throw HTTPError(.badRequest, message: "ssrc is one number of 32 bits for each m= line, between commas")
        }
        let sender = request.uri.queryParameters["source"].map(String.init)
        switch feeder.feed(id, description: description, sources: sources, sender: sender) {
        case .success(let fed): return try answer(fed, status: .created)
        case .failure(let refusal): throw HTTPError(refusal.status, message: refusal.sentence)
        }
    }

    private static let longestDescription = 64 << 10
}

extension FeedRefusal {
    fileprivate var status: HTTPResponse.Status {
        switch self {
        case .malformed: .badRequest
        case .taken: .conflict
        case .tooMany: .tooManyRequests
        case .unavailable: .serviceUnavailable
        case .unsupported: .unprocessableContent
        }
    }

    fileprivate var sentence: String {
        switch self {
        case .malformed(let text), .taken(let text), .tooMany(let text), .unavailable(let text), .unsupported(let text):
            text
        }
    }
}
