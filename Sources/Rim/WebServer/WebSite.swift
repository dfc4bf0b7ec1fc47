// SPDX-License-Identifier: Apache-2.0

public import Hummingbird
public import Logging
public import NIOCore

/// What is served, apart from the media: which targets are media, and who answers all others.
public struct WebSite: Sendable {
    /// Whether a target (path and query in origin form) is for the `MediaResponder`. Called on event loops, for every
    /// request.
    public let isMedia: @Sendable (ByteBufferView) -> Bool
    let application: any HTTPResponder<WebRequestContext>
    let logger: Logger

    /// Names the two.
    public init(
        isMedia: @escaping @Sendable (ByteBufferView) -> Bool, application: any HTTPResponder<WebRequestContext>,
        logger: Logger
    ) {
        self.isMedia = isMedia
        self.application = application
        self.logger = logger
    }
}
