// SPDX-License-Identifier: Apache-2.0

import Bytes
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1
import NIOHTTP2
import NIOHTTPTypes
import NIOHTTPTypesHTTP2
import Transport

/// Gives connections and streams to the application: Hummingbird's pipeline, and a task that runs in it.
struct ApplicationHandover {
    let site: WebSite
    let loop: WebLoop

    /// Adds HTTP/1 to the end of a pipeline, which then belongs to the application.
    func takeOver(_ channel: any Channel, peer: PeerAddress, isTLS: Bool) throws {
        try channel.syncOptions?.setOption(.allowRemoteHalfClosure, value: true)
        let respond = responder(for: channel, peer: peer, isTLS: isTLS)
        let watch = NIOLoopBound(ApplicationWatch(loop: loop), eventLoop: loop.eventLoop)
        try channel.pipeline.syncOperations.addHandler(watch.value)
        let http = HTTP1Channel(responder: respond, configuration: configuration(watchedBy: watch))
        let site = site
        http.setup(channel: channel, logger: site.logger).whenSuccess { value in
            Task { await http.handle(value: value, logger: site.logger) }
        }
    }

    /// Adds requests and responses to the end of an HTTP/2 stream's pipeline.
    func takeOver(stream: any Channel, peer: PeerAddress, isTLS: Bool) throws {
        let respond = responder(for: stream, peer: peer, isTLS: isTLS)
        let http = HTTP1Channel(responder: respond)
        let pipeline = stream.pipeline.syncOperations
        try pipeline.addHandler(HTTP2FramePayloadToHTTPServerCodec())
        try pipeline.addHandler(
            HTTPConnectionStateHandler(idleTimeout: loop.settings.idleTimeout, logger: site.logger)
        )
        let value = try NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>(wrappingChannelSynchronously: stream)
        let site = site
        Task { await http.handle(value: value, logger: site.logger) }
    }

    private func configuration(watchedBy watch: NIOLoopBound<ApplicationWatch>) -> HTTP1Channel.Configuration {
        let size = loop.settings.maximumHead.bytes
        return HTTP1Channel.Configuration(
            additionalChannelHandlers: [ApplicationRequests(watch: watch.value)],
            httpDecoderConfiguration: .init(
                maxHeaderFieldSize: size, maxHeaderListSize: size,
                maxHeaderFieldCount: RequestHeadDecoder.maximumFields
            )
        )
    }

    /// Answers media like the door does, and lets the application answer the rest.
    private func responder(for channel: any Channel, peer: PeerAddress, isTLS: Bool) -> HTTPChannelHandler.Responder {
        let site = site
        let bridge = NIOLoopBound(MediaBridge(loop: loop, peer: peer, isTLS: isTLS), eventLoop: loop.eventLoop)
        channel.closeFuture.whenComplete { _ in bridge.value.close() }
        return { request, writer, _ in
            var (head, body) =
                MediaBridge.isMedia(request.head, for: site)
                ? await MediaBridge.respond(to: request.head, through: bridge)
                : try await Self.respond(to: request, site: site, peer: peer, isTLS: isTLS)
            head.headerFields[.date] = HTTPDate.now.description
            do {
                try await writer.write(response: head, body: body)
            } catch is HTTPParserError {
                throw BrokenRequest()  // A parser's error would be answered again, in the middle of this answer.
            }
        }
    }

    private static func respond(
        to request: Request, site: WebSite, peer: PeerAddress, isTLS: Bool
    ) async throws -> (HTTPResponse, ResponseBody) {
        var logger = site.logger
        logger[metadataKey: "hb.request.id"] = .stringConvertible(RequestID())
        let source = WebRequestContext.Source(logger: logger, peer: peer, isTLS: isTLS)
        do {
            let response = try await site.application.respond(to: request, context: WebRequestContext(source: source))
            return (response.head, response.body)
        } catch let error as HTTPParserError {
            throw error
        } catch {
            logger.debug("A route failed", metadata: ["error.type": "\(type(of: error))"])
            let head = HTTPResponse(status: .internalServerError, headerFields: [.contentLength: "0"])
            return (head, ResponseBody())
        }
    }

    private struct BrokenRequest: Error {}
}
