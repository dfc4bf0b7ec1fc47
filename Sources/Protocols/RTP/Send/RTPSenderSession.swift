// SPDX-License-Identifier: Apache-2.0

public import Bytes

/// One viewer: answers what it reports, tells it the time, and knows what its way to us can carry.
///
/// What is sent goes through `SendTrack`, here or in whatever table the sender keeps; this machine reads what comes back.
/// It holds no array unless the bandwidth is estimated by transport feedback.
public struct RTPSenderSession: Sendable {
    /// What came of a viewer's RTCP.
    public enum Directive: Hashable, Sendable {
        /// What the way to the viewer carries, in bits a second, where that changed.
        case estimate(UInt64)
        /// The viewer left.
        case goodbye
        /// A decoder can not go on: find the viewer a random access point.
        case randomAccess(SendKind)
        /// Send this packet of this layer's ring again, by `SendTrack.appendAgain`. It was allowed already, so send it
        /// if the ring still has it.
        case resend(SendKind, layer: UInt8, sequence: Int64, number: UInt16)
    }

    /// The viewer's video; nil where there is none.
    public var video: SendTrack?
    /// The viewer's audio; nil where there is none.
    public var audio: SendTrack?
    /// The transport-wide number of the next packet.
    public var transport: UInt16 = 0
    /// The time to the viewer and back, from its reports; nil before the first.
    public private(set) var roundTrip: Duration?
    /// What the viewer last reported on its video.
    public private(set) var videoReport: ReceptionReport?
    /// What the viewer last reported on its audio.
    public private(set) var audioReport: ReceptionReport?
    /// Datagrams that were no RTCP.
    public private(set) var malformed = 0
    /// What the way to the viewer carries; nil where nobody needs to know.
    public var estimator: BandwidthEstimator?
    private var resends = ResendGuard()
    private var nextReport: Duration?
    private var reported: UInt64?

    /// A viewer that was sent nothing.
    public init(video: SendTrack?, audio: SendTrack?) {
        self.video = video
        self.audio = audio
    }

    /// Notes that a packet was sent for the first time: for what may be sent again, and for the estimate.
    /// - Parameter number: the transport-wide number, where one was written.
    public mutating func sent(bytes: Int, number: UInt16?, now: Duration) {
        resends.sent(bytes: bytes)
        estimator?.sent(number, bytes: bytes, now: now)
        if nextReport == nil { nextReport = now }
    }

    /// Takes one RTCP datagram that was decrypted already. What follows a packet that can not be read is passed over.
    public mutating func receive(
        rtcp datagram: ByteSlice, clock: SendClock, now: Duration, into directives: inout [Directive]
    ) {
        var decoder = RTCPDecoder(datagram)
        do throws(RTPFailure) {
            while let packet = try decoder.next() { receive(packet, clock, now, &directives) }
        } catch {
            malformed += 1
        }
        guard let estimate = estimator?.bitsPerSecond, estimate != reported else { return }
        reported = estimate
        directives.append(.estimate(estimate))
    }

    /// When sender reports are next due; nil before the first packet.
    public var nextDeadline: Duration? { nextReport }

    /// Appends the sender reports that are due as one compound datagram; appends nothing where none is.
    /// - Parameter canonicalName: the same for all of the viewer's tracks, so that it plays them in step.
    public mutating func appendReports(
        clock: SendClock, canonicalName: ByteSlice, now: Duration, to bytes: inout [UInt8]
    ) {
        guard let due = nextReport, now >= due else { return }
        nextReport = now + Self.reportInterval
        for (track, kind) in [(video, SendKind.video), (audio, .audio)] {
            guard let track, track.packetsSent > 0 else { continue }
            let report = track.report(clock.time(now), timestamp: clock.timestamp(now, kind))
            RTCPEncoder.append(.senderReport(report), to: &bytes)
            let name = SourceDescription.Name(source: track.format.source, canonicalName: canonicalName)
            RTCPEncoder.append(.sourceDescription(SourceDescription(names: [name])), to: &bytes)
        }
    }

    /// How long from one sender report to the next: the second tells a receiver how the tracks stand to each other.
    private static let reportInterval: Duration = .seconds(1)
}

/// Which of a viewer's two tracks.
public enum SendKind: Hashable, Sendable {
    case audio
    case video
}

extension RTPSenderSession {
    private mutating func receive(
        _ packet: RTCPPacket, _ clock: SendClock, _ now: Duration, _ directives: inout [Directive]
    ) {
        switch packet {
        case .receiverReport(let report): for block in report.reports { receive(block, clock, now) }
        case .senderReport(let report): for block in report.reports { receive(block, clock, now) }
        case .nack(let nack): receive(nack, now, &directives)
        case .pictureLoss(_, let media):
            if let kind = kind(media) { directives.append(.randomAccess(kind)) }
        case .fullIntraRequest(let request):
            for case .some(let kind) in request.entries.map({ kind($0.media) }) {
                directives.append(.randomAccess(kind))
            }
        case .receiverEstimate(let estimate): estimator?.receive(estimate.bitsPerSecond, now: now)
        case .transportFeedback(let feedback): estimator?.receive(feedback, now: now)
        case .goodbye: directives.append(.goodbye)
        case .other, .sourceDescription: return
        }
    }

    private mutating func receive(_ report: ReceptionReport, _ clock: SendClock, _ now: Duration) {
        guard let kind = kind(report.source) else { return }
        if kind == .video { videoReport = report } else { audioReport = report }
        if let time = report.roundTrip(arrival: clock.time(now)) {
            roundTrip = roundTrip.map { ($0 * 7 + time) / 8 } ?? time
        }
        if kind == .video { estimator?.receive(loss: report.fractionLost, now: now) }
    }

    private mutating func receive(_ nack: NegativeAcknowledgement, _ now: Duration, _ directives: inout [Directive]) {
        guard let kind = kind(nack.media), let track = kind == .video ? video : audio else { return }
        for number in nack.missing.prefix(Self.longestList) {
            guard let found = track.locate(number) else { continue }
            // The length is not known here; what a packet of this track has on average stands for it.
            let length = Int(track.octetsSent / max(1, track.packetsSent))
            guard resends.allows(number, of: kind, length: length, roundTrip: roundTrip, now: now) else { continue }
            directives.append(.resend(kind, layer: found.layer, sequence: found.sequence, number: number))
        }
    }

    /// The track of an SSRC, that of its retransmissions among them.
    private func kind(_ source: UInt32) -> SendKind? {
        if let format = video?.format, format.source == source || format.repair?.source == source { return .video }
        if let format = audio?.format, format.source == source || format.repair?.source == source { return .audio }
        return nil
    }

    /// How many numbers of one message are looked at.
    private static let longestList = 512
}
