// SPDX-License-Identifier: Apache-2.0

/// The resource at which a viewer learns the layers of its video, and asks for one: WHEP's extension
/// `urn:ietf:params:whep:ext:core:layer`, behind the URL of the session.
///
/// Departure: GET tells the layers, in the form in which the extension for server-sent events would.
public struct SignalingLayers: Hashable, Sendable {
    /// What is to be done with a request.
    public enum Directive: Hashable, Sendable {
        /// Send this layer where it is there, or nil: the best that the way carries. Then send the response.
        case ask(String?, SignalingResponse)
        /// Send the response.
        case respond(SignalingResponse)
    }

    /// A layer.
    public struct Layer: Hashable, Sendable {
        /// `encodingId`: letters, digits, `-` and `_`.
        public let encodingID: String
        /// Pixels; 0 where that is not known.
        public let width: UInt32
        /// Pixels; 0 where that is not known.
        public let height: UInt32
        /// Bits a second; 0 where that is not known yet.
        public let bitsPerSecond: UInt64

        /// A layer of its parts.
        public init(encodingID: String, width: UInt32, height: UInt32, bitsPerSecond: UInt64) {
            self.encodingID = encodingID
            self.width = width
            self.height = height
            self.bitsPerSecond = bitsPerSecond
        }
    }

    /// `mid` of the video.
    public let mediaID: String
    /// The layers that are there.
    public let layers: [Layer]

    /// The layers of a medium.
    public init(mediaID: String, layers: [Layer]) {
        self.mediaID = mediaID
        self.layers = layers
    }

    /// Decides on a request.
    /// - Parameter wish: what its body asks for; nil where that can not be read.
    public func directive(for request: SignalingRequest, wish: LayerWish?) -> Directive {
        switch request.method {
        case .get: return .respond(SignalingResponse(200, Self.described, body: text))
        case .head: return .respond(SignalingResponse(200, Self.described))
        case .options: return .respond(Self.preflight)
        case .post: break
        case .delete, .patch, nil:
            return .respond(.problem(405, "layers are posted here", [("Allow", "OPTIONS, GET, HEAD, POST")]))
        }
        guard request.hasContent(Self.mediaType) else {
            let fields = [("Accept-Post", Self.mediaType)]
            return .respond(.problem(415, "a wish of the type application/json is wanted", fields))
        }
        guard let wish else { return .respond(.problem(400, "the body is no JSON object with a mediaId")) }
        guard wish.mediaID == mediaID else { return .respond(.problem(404, "the video has the mediaId \(mediaID)")) }
        guard wish.encodingID.map({ id in layers.contains { $0.encodingID == id } }) ?? true else {
            let known = layers.map(\.encodingID).joined(separator: ", ")
            return .respond(.problem(404, "there is no such layer; there are \(known)"))
        }
        return .ask(wish.encodingID, SignalingResponse(200, [("Cache-Control", "no-store")]))
    }

    private var text: String {
        let described = layers.map { layer in
            #"{"encodingId":"\#(layer.encodingID)","width":\#(layer.width),"height":\#(layer.height),"#
                + #""bitrate":\#(layer.bitsPerSecond)}"#
        }
        return "{" + SignalingResponse.quoted(mediaID) + #":{"layers":["# + described.joined(separator: ",") + "]}}"
    }

    private static let mediaType = "application/json"
    private static let described = [("Content-Type", mediaType), ("Cache-Control", "no-store")]
    private static let preflight = SignalingResponse(
        200,
        [
            ("Accept-Post", mediaType), ("Access-Control-Allow-Methods", "OPTIONS, GET, HEAD, POST"),
            ("Access-Control-Allow-Headers", "Authorization, Content-Type"), ("Access-Control-Max-Age", "86400"),
        ])
}

/// What a viewer asks for.
public struct LayerWish: Hashable, Sendable {
    /// `mediaId`: `mid` of the medium.
    public let mediaID: String
    /// `encodingId`; nil for the best layer that the way carries.
    public let encodingID: String?

    /// A wish of its parts.
    public init(mediaID: String, encodingID: String?) {
        self.mediaID = mediaID
        self.encodingID = encodingID
    }
}
