// SPDX-License-Identifier: Apache-2.0

public import Access
import Identity
import Media
public import NIOCore
public import RTMP
public import Replica
import Telemetry
import Transport

/// RTMP play: a stream from the last random access point on.
public struct RTMPPlayFront: RTMPPlayDoor {
    private let edge: EdgeState
    private let tables: [ObjectIdentifier: NIOLoopBound<SubscriptionTable>]

    /// The front over all loops of an edge.
    public init(edge: EdgeState, loops: EdgeLoops) {
        self.edge = edge
        tables = loops.tables
    }

    /// Lets a player in where the stream is there, and its app asks for no token or gets a good one.
    public func play(_ request: PlayRequest, on connection: RTMPConnection) -> Result<any RTMPPlayer, RTMPRefusal> {
        guard let id = try? request.streamID(), let replica = edge.stream(id)?.replica, !replica.isOver,
            replica.parameters != nil || replica.isExpected,
            let table = tables[ObjectIdentifier(connection.eventLoop)]?.value
        else { return .failure(RTMPRefusal(.notFound("There is no such stream."))) }
        let decision = edge.policy.viewer(
            of: id, token: request.address["token"].map { "~" + $0 }, resource: .multivariantPlaylist,
            now: SystemClock.wall())
        if case .refuse(let refusal) = decision {
            edge.metrics.viewersRefused(refusal)
            return .failure(RTMPRefusal(.denied("Playing is refused: \(refusal).")))
        }
        let number = ViewerNumber.make(ObjectIdentifier(connection))
        guard edge.welcome(number, as: .rtmp, to: replica) else {
            return .failure(RTMPRefusal(.denied("The server takes no more viewers.")))
        }
        let viewer = RTMPViewer(connection, number: number, edge: edge, table: table)
        viewer.subscription = table.open(replica, viewer: number, sink: viewer, settings: edge.play)
        return .success(viewer)
    }
}

/// One RTMP player.
final class RTMPViewer: RecordSink, RTMPPlayer {
    var subscription: FeedSubscription?
    private unowned let connection: RTMPConnection
    private let number: UInt64
    private let edge: EdgeState
    private let table: SubscriptionTable
    private var media = RTMPFromMedia(tracks: [])
    private let encoder = ChunkEncoder()
    private var owesOpening = false

    init(_ connection: RTMPConnection, number: UInt64, edge: EdgeState, table: SubscriptionTable) {
        self.connection = connection
        self.number = number
        self.edge = edge
        self.table = table
    }

    var isWritable: Bool { connection.isWritable }

    func writable() { subscription?.pump() }

    func leave() {
        guard let subscription else { return }
        edge.metrics.groupsSkipped.add(subscription.skips)
        edge.farewell(number, from: subscription.replica)
        table.close(subscription)
        self.subscription = nil
    }

    func write(_ tracks: [Track]) {
        media = RTMPFromMedia(tracks: tracks)
        owesOpening = true
    }

    func write(_ unit: AccessUnit) {
        if owesOpening {
            owesOpening = false
            for tag in media.opening(at: unit.decodeTime) { send(tag) }
        }
        if let tag = media.tag(unit) { send(tag) }
    }

    func flush() { connection.flush() }

    func finish() { connection.part("The stream has ended.") }

    private func send(_ tag: MediaTag) {
        let chunks = encoder.encode(tag)
        subscription?.sent(chunks.count)
        connection.write(chunks)
    }
}
