// SPDX-License-Identifier: Apache-2.0

public import Bytes

/// What the publisher reports, and what it is told.
extension RTPReceiverSession {
    /// Takes one RTCP datagram. What follows a packet that can not be read is passed over.
    public mutating func receive(rtcp datagram: ByteSlice, now: Duration, into directives: inout [Directive]) {
        var decoder = RTCPDecoder(datagram)
        do throws(RTPFailure) {
            while let packet = try decoder.next() { receive(packet, now: now, &directives) }
        } catch {
            ignored.malformed += 1
        }
    }

    /// Asks for a random access point, unless that was done a moment ago or nobody negotiated how.
    public mutating func requestRandomAccess(
        of source: ReceiveSource, now: Duration, into directives: inout [Directive]
    ) {
        guard let index = sources.firstIndex(where: { $0.source == source }), let media = sources[index].ssrc,
            sources[index].asked.map({ now - $0 >= settings.randomAccessInterval }) ?? true
        else { return }
        let feedback = settings.media[source.media].feedback
        guard !feedback.isDisjoint(with: [.pictureLoss, .fullIntraRequest]) else { return }
        sources[index].asked = now
        var datagram = compound([])
        if feedback.contains(.pictureLoss) {
            RTCPEncoder.append(.pictureLoss(sender: settings.source, media: media), to: &datagram)
        } else {
            let entry = FullIntraRequest.Entry(media: media, number: sources[index].requests)
            sources[index].requests &+= 1
            RTCPEncoder.append(
                .fullIntraRequest(FullIntraRequest(sender: settings.source, entries: [entry])), to: &datagram)
        }
        directives.append(.send(datagram))
    }

    /// Does what is due.
    public mutating func tick(now: Duration, into directives: inout [Directive]) {
        var messages: [RTCPPacket] = []
        for index in sources.indices {
            giveUp(index, now: now, &directives)
            while let media = sources[index].ssrc {
                let missing = sources[index].buffer.requests(now: now)
                guard !missing.isEmpty else { break }
                messages.append(
                    .nack(NegativeAcknowledgement(sender: settings.source, media: media, missing: missing)))
            }
        }
        if let due = nextFeedback, now >= due {
            nextFeedback = now + settings.feedbackInterval
            let media = sources.lazy.compactMap(\.ssrc).first ?? 0
            while let feedback = arrivals.feedback(sender: settings.source, media: media) {
                messages.append(.transportFeedback(feedback))
            }
        }
        var reports: [ReceptionReport] = []
        if let due = nextReport, now >= due {
            nextReport = now + settings.reportInterval
            reports = sources.indices.compactMap { sources[$0].reception(now: now) }
        }
        guard !messages.isEmpty || !reports.isEmpty else { return }
        send(messages, compound(reports), &directives)
    }

    /// When `tick` is next due; nil before the first packet.
    public var nextDeadline: Duration? {
        [nextReport, nextFeedback].compactMap { $0 }.min().map { deadline in
            sources.reduce(deadline) { min($0, $1.buffer.nextDeadline ?? $0) }
        }
    }

    private mutating func receive(_ packet: RTCPPacket, now: Duration, _ directives: inout [Directive]) {
        switch packet {
        case .senderReport(let report):
            guard let index = sources.firstIndex(where: { $0.ssrc == report.source }) else { return }
            sources[index].lastReport = (report.time, now)
            guard let clock = sources[index].clock(report) else { return }
            directives.append(.report(sources[index].source, clock))
        case .goodbye(let goodbye):
            for source in sources where source.ssrc.map(goodbye.sources.contains) ?? false {
                directives.append(.goodbye(source.source))
            }
        case .fullIntraRequest, .nack, .other, .pictureLoss, .receiverEstimate, .receiverReport, .sourceDescription,
            .transportFeedback:
            return  // A publisher receives nothing from us.
        }
    }

    /// Packs messages into as few datagrams as hold them; each is a compound of its own.
    private func send(_ messages: [RTCPPacket], _ first: [UInt8], _ directives: inout [Directive]) {
        var datagram = first
        for message in messages {
            if datagram.count > Self.fullDatagram {
                directives.append(.send(datagram))
                datagram = compound([])
            }
            RTCPEncoder.append(message, to: &datagram)
        }
        directives.append(.send(datagram))
    }

    /// The beginning of every datagram: a receiver report, where there is nothing to tell an empty one, and our name
    /// (RFC 3550 §6.1).
    private func compound(_ reports: [ReceptionReport]) -> [UInt8] {
        var datagram: [UInt8] = []
        datagram.reserveCapacity(128)
        // One report holds 31; layers beyond that wait for their next turn, and no offer has so many.
        RTCPEncoder.append(
            .receiverReport(ReceiverReport(source: settings.source, reports: Array(reports.prefix(31)))), to: &datagram)
        let name = SourceDescription.Name(source: settings.source, canonicalName: Self.canonicalName)
        RTCPEncoder.append(.sourceDescription(SourceDescription(names: [name])), to: &datagram)
        return datagram
    }

    /// From here on a datagram is sent before the next message: a NACK or a feedback has a few hundred bytes.
    private static let fullDatagram = 600
    private static let canonicalName = Array("millrace".utf8)[...]
}
