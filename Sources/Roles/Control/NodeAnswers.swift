// SPDX-License-Identifier: Apache-2.0

public import Identity
import Media

// The answers about the node itself, as Resources/openapi.json says them.

/// The state of a node.
public struct NodeStatus: Encodable, Sendable {
    /// The node's name.
    public var node: String
    /// The version of the binary.
    public var version: String
    /// `running` or `draining`.
    public var state: String
    /// What it does.
    public var roles: [String]
    /// RFC 3339.
    public var startedAt: String
    /// Seconds since.
    public var uptimeSeconds: Double
    /// How many streams are in which state.
    public var streams: Streams
    /// Connected publishers.
    public var publishers: Int
    /// Viewer sessions.
    public var viewers: Int
    /// Open connections.
    public var connections: Connections
    /// Bits a second.
    public var traffic: Traffic
    /// How much of the processors that it may use it does use, 0 to 1, over the last ten seconds.
    public var processor: Double
    /// Resident set.
    public var memoryBytes: Int
    /// What it listens at.
    public var listeners: [Listener]

    /// A status of its parts.
    public init(
        node: String, version: String, state: String, roles: [String], startedAt: String, uptimeSeconds: Double,
        streams: Streams, publishers: Int, viewers: Int, connections: Connections, traffic: Traffic,
        processor: Double, memoryBytes: Int, listeners: [Listener]
    ) {
        self.node = node
        self.version = version
        self.state = state
        self.roles = roles
        self.startedAt = startedAt
        self.uptimeSeconds = uptimeSeconds
        self.streams = streams
        self.publishers = publishers
        self.viewers = viewers
        self.connections = connections
        self.traffic = traffic
        self.processor = processor
        self.memoryBytes = memoryBytes
        self.listeners = listeners
    }

    /// How many streams are in which state.
    public struct Streams: Encodable, Sendable {
        var live = 0
        var idle = 0
        var connecting = 0

        /// Counts states.
        public init(_ states: [StreamPhase]) {
            for state in states {
                switch state {
                case .connecting: connecting += 1
                case .idle: idle += 1
                case .live: live += 1
                case .stopped, .stopping: break
                }
            }
        }
    }

    /// Open connections.
    public struct Connections: Encodable, Sendable {
        let rtmp: Int
        let http: Int

        /// Counts of each.
        public init(rtmp: Int, http: Int) {
            self.rtmp = rtmp
            self.http = http
        }
    }

    /// Bits a second over the last ten seconds.
    public struct Traffic: Encodable, Sendable {
        let bitsInPerSecond: Double
        let bitsOutPerSecond: Double

        /// Rates of each.
        public init(bitsIn: Double, bitsOut: Double) {
            bitsInPerSecond = bitsIn
            bitsOutPerSecond = bitsOut
        }
    }

    /// Where a node listens.
    public struct Listener: Encodable, Sendable {
        let `protocol`: String
        let address: String

        /// `rtmp`, `rtmps`, `http` or `https` at an address and port.
        public init(_ name: String, at address: String) {
            self.protocol = name
            self.address = address
        }
    }
}

/// What the page needs to play and to explain how to publish.
public struct PlayerStatus: Encodable, Sendable {
    let hlsjs: Script?
    let node: String
    let version: String
    let publish: Publish
    let dvrSeconds: Int64?

    /// hls.js, and how it is known to be the right one.
    public struct Script: Encodable, Sendable {
        let url: String
        let integrity: String

        /// A script at `url` with its Subresource Integrity value.
        public init(url: String, integrity: String) {
            self.url = url
            self.integrity = integrity
        }
    }

    struct Publish: Encodable, Sendable {
        let rtmpPort: Int?
        let tokenNeeded: Bool

        enum CodingKeys: String, CodingKey { case rtmpPort, tokenNeeded }

        func encode(to encoder: any Encoder) throws {
            var fields = encoder.container(keyedBy: CodingKeys.self)
            try fields.encode(rtmpPort, forKey: .rtmpPort)
            try fields.encode(tokenNeeded, forKey: .tokenNeeded)
        }
    }

    /// A node's player.
    /// - Parameter reach: how far viewers can go back; nil where they can not.
    public init(
        script: Script?, node: String, version: String, rtmpPort: Int?, tokenNeeded: Bool, reach: Duration? = nil
    ) {
        hlsjs = script
        self.node = node
        self.version = version
        publish = Publish(rtmpPort: rtmpPort, tokenNeeded: tokenNeeded)
        dvrSeconds = reach.map { $0.components.seconds }
    }

    enum CodingKeys: String, CodingKey { case hlsjs, node, version, publish, dvrSeconds }

    /// Writes the document's `Player`, absent values as null.
    public func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: CodingKeys.self)
        try fields.encode(hlsjs, forKey: .hlsjs)
        try fields.encode(node, forKey: .node)
        try fields.encode(version, forKey: .version)
        try fields.encode(publish, forKey: .publish)
        try fields.encode(dvrSeconds, forKey: .dvrSeconds)
    }
}

struct Health: Encodable {
    var status = "healthy"
    let service = "millrace"
    let timestamp: String
    let time: Int64
    let uptime: String
    let connections: Int
    let checks: [String: String]
}

struct Readiness: Encodable {
    let ready: Bool
    let status: String
    let timestamp: String
    let time: Int64
    let dependencies: String
    let checks: [String: String]
    let error: String?
}

struct Pong: Encodable {
    let message = "pong"
    let time: Int64
}

struct PublishWish: Decodable {
    let streamKey: String
    let expiresIn: Int?
}

struct PublishAnswer: Encodable {
    let publishUrl: String
    let streamKey: String
    let token: String
    let expiresAt: String
}

struct StreamList: Encodable {
    let streams: [StreamStatus]
    let total: Int
}

/// The stream twice: flat for users of one older system, nested for those of another.
struct StreamAnswer: Encodable {
    let stream: StreamStatus

    enum CodingKeys: String, CodingKey { case stream }

    func encode(to encoder: any Encoder) throws {
        try stream.encode(to: encoder)
        var fields = encoder.container(keyedBy: CodingKeys.self)
        try fields.encode(stream, forKey: .stream)
    }
}

struct StopAnswer: Encodable {
    let message = "stream stopped"
    let streamKey: String
}

/// A stream that is taken down.
public struct TakedownAnswer: Encodable, Sendable {
    let streamKey: String
    let ended: Bool
    let purging: Bool

    /// - Parameters:
    ///   - ended: whether this node was its gateway and has ended it.
    ///   - purging: whether the CDN is asked to forget it.
    public init(_ stream: StreamID, ended: Bool, purging: Bool) {
        streamKey = stream.apiKey
        self.ended = ended
        self.purging = purging
    }
}

struct ViewerList: Encodable {
    let streamKey: String
    let sessions: [ViewerStatus]
    let total: Int
}

struct ErrorAnswer: Encodable {
    let error: String
}
