// SPDX-License-Identifier: Apache-2.0

public import Identity
public import WebRTC

/// What a path of WHIP or WHEP names: `/{app}/{name}/whep` takes offers, `/{app}/{name}/whep/{id}` is a session; the same
/// with `whip`. What stands behind that is a resource of the session: `layer`, at which a viewer asks for one.
public struct SignalingTarget: Hashable, Sendable {
    /// Which protocol.
    public let kind: SignalingProtocol
    /// The stream.
    public let stream: StreamID
    /// The session; nil for the endpoint that takes offers.
    public let session: SignalingSessionID?
    /// Whether it is the layer of a viewer's session, and not the session itself.
    public let isLayer: Bool

    /// Reads a path without its query, percent-encoding taken off; nil for a path of anything else.
    public init?(path: some StringProtocol) {
        var parts = path.split(separator: "/", omittingEmptySubsequences: false)[...]
        isLayer = parts.count > 5 && parts.last == "layer" && parts.dropLast(2).last == "whep"
        if isLayer { parts.removeLast() }
        guard parts.popFirst()?.isEmpty == true, let last = parts.popLast() else { return nil }
        if let kind = SignalingProtocol(rawValue: String(last)) {
            self.kind = kind
            session = nil
        } else if let kind = parts.popLast().flatMap({ SignalingProtocol(rawValue: String($0)) }),
            let id = SignalingSessionID(parsing: last)
        {
            self.kind = kind
            session = id
        } else {
            return nil
        }
        guard parts.count > 1, let stream = try? StreamID(parsing: parts.joined(separator: "/")) else { return nil }
        self.stream = stream
    }
}
