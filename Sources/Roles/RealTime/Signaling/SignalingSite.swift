// SPDX-License-Identifier: Apache-2.0

import Access
import HTTPTypes
public import Hummingbird
import NIOCore
import Transport
import WebRTC
public import WebServer

/// WHIP and WHEP over HTTP: what of requests matters to them, and their responses.
public struct SignalingSite: Sendable {
    private let front: SignalingFront
    private let base: @Sendable () -> String?

    /// - Parameter base: scheme and authority by which this node is reached; nil for those of each request.
    init(_ front: SignalingFront, base: @escaping @Sendable () -> String?) {
        self.front = front
        self.base = base
    }

    /// Answers a request whose path names `target`.
    public func respond(
        to request: Request, for target: SignalingTarget, context: WebRequestContext
    ) async throws -> Response {
        var question = SignalingRequest(
            method: SignalingRequest.Method(rawValue: request.method.rawValue),
            contentType: request.headers[.contentType], accept: request.headers[.accept],
            ifMatch: request.headers[.ifMatch])
        do {
            question.body = Array(buffer: try await request.body.collect(upTo: Self.longestBody))[...]
        } catch is NIOTooManyBytesError {
            return response(.problem(413, "the body is longer than any description"))
        }
        let base = base() ?? "\(context.isTLS ? "https" : "http")://\(request.head.authority ?? "localhost")"
        return response(
            await front.respond(to: question, for: target, from: caller(request, target, context), base: base))
    }

    private func caller(
        _ request: Request, _ target: SignalingTarget, _ context: WebRequestContext
    ) -> SignalingCaller {
        var caller = Caller(isLoopback: context.peer.isLoopback, authority: request.head.authority)
        for field in request.headers { caller.note(header: field.name.canonicalName, value: field.value) }
        let bearer = request.headers[.authorization].flatMap { value in
            value.lowercased().hasPrefix("bearer ") ? String(value.dropFirst(7)) : nil
        }
        let token = bearer ?? request.uri.queryParameters["token"].map(String.init)
        return SignalingCaller(
            stream: target.stream, token: token.map { $0.first == "~" ? String($0.dropFirst()) : $0 },
            peer: context.peer,
            forwardedFor: HTTPField.Name("X-Forwarded-For").flatMap { request.headers[values: $0].last },
            region: HTTPField.Name("X-Millrace-Region").flatMap { request.headers[$0] },
            caller: caller, path: request.uri.path, query: request.uri.query ?? "")
    }

    private func response(_ answer: SignalingResponse) -> Response {
        var headers = HTTPFields()
        for field in answer.fields {
            if let name = HTTPField.Name(field.name) { headers.append(HTTPField(name: name, value: field.value)) }
        }
        return Response(
            status: HTTPResponse.Status(code: answer.status), headers: headers,
            body: answer.body.isEmpty ? ResponseBody() : ResponseBody(byteBuffer: ByteBuffer(bytes: answer.body)))
    }

    /// The longest description, and a byte by which one is seen to be longer.
    private static let longestBody = 131_073
}
