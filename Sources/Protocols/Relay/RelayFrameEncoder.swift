// SPDX-License-Identifier: Apache-2.0

import Bytes
import Cluster
public import Feed
import Identity
import Media

/// Writes frames: the length of what follows in four bytes, the kind, the channel, and the kind's fields as feed records
/// write theirs.
public struct RelayFrameEncoder: Sendable {
    /// An encoder.
    public init() {}

    /// Appends one frame.
    public func append(_ frame: RelayFrame, to bytes: inout [UInt8]) {
        let start = bytes.count
        bytes.append(bigEndian: UInt32(0))
        bytes.append(frame.message.kind.rawValue)
        bytes.append(number: UInt64(frame.channelField))
        bytes.append(frame.message)
        bytes.put(bigEndian: UInt32(truncatingIfNeeded: bytes.count - start - 4), at: start)
    }

    /// The content of a batch of records, the same for whoever is sent it: write it behind the ``head(ofRecords:channel:)``
    /// of each subscriber.
    public func body(of records: some Collection<FeedRecord>, from first: FeedPosition) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(records.reduce(32) { $0 + $1.roomyByteCount })
        bytes.append(first, records)
        return bytes
    }

    /// What stands before a body that many subscribers share.
    public func head(ofRecords body: Int, channel: UInt32) -> [UInt8] {
        var bytes: [UInt8] = [0, 0, 0, 0, RelayKind.records.rawValue]
        bytes.append(number: UInt64(channel))
        bytes.put(bigEndian: UInt32(truncatingIfNeeded: bytes.count - 4 + body), at: 0)
        return bytes
    }
}

extension RelayFrame {
    /// What is written as the channel; see ``RelayHello``.
    fileprivate var channelField: UInt32 {
        guard case .hello(let hello) = message else { return channel }
        return UInt32(hello.versions.upperBound - hello.versions.lowerBound)
    }
}

extension FeedRecord {
    /// At least as much as it takes as bytes, but for lists and texts.
    fileprivate var roomyByteCount: Int {
        if case .accessUnit(let unit) = self { return unit.payload.count + 40 }
        return 160
    }
}

extension RelayMessage {
    var kind: RelayKind {
        switch self {
        case .accepted: .accepted
        case .acknowledge: .acknowledge
        case .attach: .attach
        case .attached: .attached
        case .branch: .branch
        case .committed: .committed
        case .datagram: .datagram
        case .detach: .detach
        case .detached: .detached
        case .heartbeat: .heartbeat
        case .hello: .hello
        case .pause: .pause
        case .randomAccess: .randomAccess
        case .records: .records
        case .redirect: .redirect
        case .refused: .refused
        case .resume: .resume
        case .subscribe: .subscribe
        case .tally: .tally
        case .termAnswer: .termAnswer
        case .termQuestion: .termQuestion
        case .unsubscribe: .unsubscribe
        }
    }
}

extension [UInt8] {
    fileprivate mutating func append(_ message: RelayMessage) {
        switch message {
        case .accepted(let start): append(start)
        case .acknowledge(let position): append(position)
        case .attach(let endpoint), .attached(let endpoint), .detach(let endpoint): append(endpoint)
        case .branch(let branch): append(text: branch.session)
        case .committed(let commit): append(commit)
        case .datagram(let bytes): append(contentsOf: bytes)
        case .detached(let endpoint, let reason):
            append(endpoint)
            append(reason.rawValue)
        case .heartbeat(let heartbeat):
            append(optional: heartbeat.term) { $0.append($1) }
            append(optional: heartbeat.commit) { $0.append($1) }
            append(number: UInt64(heartbeat.gatewayAge))
        case .hello(let hello): append(hello)
        case .pause, .randomAccess, .unsubscribe: break
        case .records(let records): append(records.first, records.records)
        case .redirect(let node, let endpoint):
            append(text: node.description)
            append(endpoint)
        case .refused(let refusal): append(refusal.rawValue)
        case .resume(let position): append(optional: position) { $0.append($1) }
        case .subscribe(let request): append(request)
        case .tally(let tally):
            append(number: tally.packets)
            append(number: tally.bytes)
        case .termAnswer(let answer): append(answer)
        case .termQuestion(let stream, let term):
            append(text: stream.description)
            append(term)
        }
    }

    fileprivate mutating func append(_ first: FeedPosition, _ records: some Collection<FeedRecord>) {
        append(first)
        append(number: UInt64(records.count))
        for record in records { append(lengthPrefixed: record) }
    }

    /// A record behind its length in four bytes: what is written once is not moved to make room for a shorter length.
    private mutating func append(lengthPrefixed record: FeedRecord) {
        let start = count
        append(bigEndian: UInt32(0))
        FeedRecordEncoder().append(record, to: &self)
        put(bigEndian: UInt32(truncatingIfNeeded: count - start - 4), at: start)
    }

    private mutating func append(_ start: FeedStart) {
        append(start.position)
        append(optional: start.parameters) { bytes, placed in
            bytes.append(placed.position)
            bytes.append(lengthPrefixed: .parameters(placed.parameters))
        }
        append(optional: start.continues) { $0.append($1) }
    }

    private mutating func append(_ hello: RelayHello) {
        append(hello.versions.lowerBound)
        append(bigEndian: hello.cluster)
        append(text: hello.node.description)
        append(bigEndian: hello.incarnation)
    }

    private mutating func append(_ request: RelayRequest) {
        append(text: request.stream.description)
        append(optional: request.term) { $0.append($1) }
        append(optional: request.from) { $0.append($1) }
        append(number: UInt64(request.via.count))
        for tag in request.via { append(bigEndian: tag.number) }
        append(request.isPaused)
        append(request.isHolder)
        append(request.isTaking)
        append(number: request.view)
        append(number: UInt64(request.redirects))
    }

    private mutating func append(_ answer: TermAnswer) {
        append(text: answer.stream.description)
        append(answer.term)
        append(optional: answer.next) { $0.append($1) }
        append(optional: answer.commit) { $0.append($1) }
    }

    private mutating func append(_ endpoint: Endpoint) {
        append(block: endpoint.address.bytes[...])
        append(bigEndian: endpoint.port)
    }

    private mutating func append(_ term: Term) {
        append(number: term.number)
        append(bigEndian: term.salt)
    }

    private mutating func append(_ position: FeedPosition) {
        append(position.term)
        append(number: position.number)
    }

    private mutating func append(_ commit: CommitTracker.Commit) {
        append(commit.position)
        append(number: commit.part.msn)
        append(signed: Int64(commit.part.part))
    }
}
