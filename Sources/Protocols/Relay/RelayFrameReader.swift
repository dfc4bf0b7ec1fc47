// SPDX-License-Identifier: Apache-2.0

import Bytes
import Cluster
import Feed
import Identity

/// Reads the fields of one frame.
struct RelayFrameReader {
    private var fields: FieldReader

    init(_ content: ByteSlice) { fields = FieldReader(content) }

    /// The frame of `kind`, which must fill the content.
    consuming func frame(_ kind: RelayKind) throws(RelayFailure) -> RelayFrame {
        do throws(FeedFailure) {
            let channel = try fields.small()
            if kind == .datagram { return RelayFrame(channel: channel, message: .datagram(fields.rest)) }
            let message = try message(kind, channel: channel)
            guard fields.isEmpty else { throw .malformed }
            return RelayFrame(channel: kind == .hello ? 0 : channel, message: message)
        } catch {
            guard kind == .records else { throw .malformed }
            throw .record(error)
        }
    }

    private mutating func message(_ kind: RelayKind, channel: UInt32) throws(FeedFailure) -> RelayMessage {
        switch kind {
        case .accepted: .accepted(try start())
        case .acknowledge: .acknowledge(try position())
        case .attach: .attach(try endpoint())
        case .attached: .attached(try endpoint())
        case .branch: .branch(RelayBranch(session: try fields.text()))
        case .committed: .committed(try commit())
        case .datagram: .datagram(fields.rest)
        case .detach: .detach(try endpoint())
        case .detached: .detached(try endpoint(), try detachment())
        case .heartbeat:
            .heartbeat(
                RelayHeartbeat(
                    term: try fields.flag() ? try term() : nil, commit: try fields.flag() ? try commit() : nil,
                    gatewayAge: try fields.small()))
        case .hello: .hello(try hello(further: channel))
        case .pause: .pause
        case .randomAccess: .randomAccess
        case .records: .records(try records())
        case .redirect: try redirect()
        case .refused: .refused(try refusal())
        case .resume: .resume(from: try fields.flag() ? try position() : nil)
        case .subscribe: .subscribe(try request())
        case .tally: .tally(RelayTally(packets: try fields.number(), bytes: try fields.number()))
        case .termAnswer: .termAnswer(try answer())
        case .termQuestion: .termQuestion(try stream(), try term())
        case .unsubscribe: .unsubscribe
        }
    }

    private mutating func start() throws(FeedFailure) -> FeedStart {
        FeedStart(
            position: try position(), parameters: try fields.flag() ? try parameters() : nil,
            continues: try fields.flag() ? try position() : nil)
    }

    private mutating func parameters() throws(FeedFailure) -> FeedLog.PlacedParameters {
        let position = try position()
        guard case .parameters(let parameters) = try record() else { throw .malformed }
        return FeedLog.PlacedParameters(parameters: parameters, position: position)
    }

    private mutating func records() throws(FeedFailure) -> RelayRecords {
        let first = try position()
        let count = try fields.count()
        guard count > 0, first.number <= .max - UInt64(count) else { throw .malformed }
        var records: [FeedRecord] = []
        for _ in 0..<count { records.append(try record()) }
        return RelayRecords(first: first, records: records)
    }

    private mutating func record() throws(FeedFailure) -> FeedRecord {
        let length = try fields.fixed32()
        return try FeedRecordDecoder().record(from: try fields.bytes(Int(length)))
    }

    private mutating func redirect() throws(FeedFailure) -> RelayMessage {
        let node = try node()
        return .redirect(to: node, at: try endpoint())
    }

    private mutating func endpoint() throws(FeedFailure) -> Endpoint {
        guard let address = IPAddress(bytes: try fields.block()) else { throw .malformed }
        let port = UInt16(try fields.byte()) << 8 | UInt16(try fields.byte())
        return Endpoint(address: address, port: port)
    }

    private mutating func detachment() throws(FeedFailure) -> RelayDetachment {
        guard let reason = RelayDetachment(rawValue: try fields.byte()) else { throw .malformed }
        return reason
    }

    private mutating func refusal() throws(FeedFailure) -> RelayRefusal {
        guard let refusal = RelayRefusal(rawValue: try fields.byte()) else { throw .malformed }
        return refusal
    }

    /// - Parameter further: how many versions above the lowest are spoken.
    private mutating func hello(further: UInt32) throws(FeedFailure) -> RelayHello {
        let lowest = try fields.byte()
        guard further <= UInt32(UInt8.max - lowest) else { throw .malformed }
        return RelayHello(
            versions: lowest...(lowest + UInt8(further)), cluster: try fields.fixed32(), node: try node(),
            incarnation: UInt64(try fields.fixed32()) << 32 | UInt64(try fields.fixed32()))
    }

    private mutating func request() throws(FeedFailure) -> RelayRequest {
        let stream = try stream()
        let term = try fields.flag() ? try term() : nil
        let from = try fields.flag() ? try position() : nil
        var via: [NodeTag] = []
        for _ in 0..<(try fields.count()) { via.append(NodeTag(number: try fields.fixed32())) }
        return RelayRequest(
            stream: stream, term: term, from: from, via: via, isPaused: try fields.flag(),
            isHolder: try fields.flag(), isTaking: try fields.flag(), view: try fields.number(),
            redirects: try redirects())
    }

    private mutating func redirects() throws(FeedFailure) -> UInt8 {
        guard let count = UInt8(exactly: try fields.number()) else { throw .malformed }
        return count
    }

    private mutating func answer() throws(FeedFailure) -> TermAnswer {
        TermAnswer(
            stream: try stream(), term: try term(), next: try fields.flag() ? try position() : nil,
            commit: try fields.flag() ? try commit() : nil)
    }

    private mutating func term() throws(FeedFailure) -> Term {
        Term(number: try fields.number(), salt: try fields.fixed32())
    }

    private mutating func position() throws(FeedFailure) -> FeedPosition {
        FeedPosition(term: try term(), number: try fields.number())
    }

    private mutating func commit() throws(FeedFailure) -> CommitTracker.Commit {
        CommitTracker.Commit(
            position: try position(), part: PartPosition(msn: try fields.number(), part: Int(try fields.signed())))
    }

    /// A stream's name, written in the one way that names it.
    private mutating func stream() throws(FeedFailure) -> StreamID {
        let text = try fields.text()
        guard let stream = try? StreamID(parsing: text), stream.description == text else { throw .malformed }
        return stream
    }

    private mutating func node() throws(FeedFailure) -> NodeID {
        guard let node = NodeID(parsing: try fields.text()) else { throw .malformed }
        return node
    }
}
