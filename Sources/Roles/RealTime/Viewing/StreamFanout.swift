// SPDX-License-Identifier: Apache-2.0

import Datagrams
import Identity
import Layers
import Media
import RTP
import Replica
import Transport
import WebRTC

/// One stream to all its viewers of one thread: each unit is packetized once, into rings that all of them are sent from.
///
/// Viewers are the outer loop and packets the inner one, so that a frame leaves for each viewer as one burst that the
/// kernel cuts into datagrams.
final class StreamFanout: RecordSink {
    let replica: StreamReplica
    // The loop owns this; a counted reference would be taken for every packet.
    private unowned(unsafe) let loop: RealTimeLoop
    private var subscription: FeedSubscription?
    private var media: RTPFromMedia
    private var batch = PayloadBatch()
    /// The layers of the pictures; one of most streams.
    private(set) var layers: [LayerRing] = []
    private var audio = PacketRing(.audio)
    private var term: Term?
    private var tracks: [Track] = []
    /// The track whose units come from a transcoder and not from the feed.
    private var transcoded: TrackID?
    /// Whether the transcoder sends here what it makes.
    private var isListening = false
    private var viewers: [ViewerParty] = []
    private var now: Duration
    private var asked: Duration?
    private var told: Set<RTPFromMedia.Drop> = []

    init(_ replica: StreamReplica, mailbox: LoopMailbox, loop: RealTimeLoop, now: Duration) {
        self.replica = replica
        self.loop = loop
        self.now = now
        media = RTPFromMedia(wall: SystemClock.wall(), now: now)
        var settings = PlaySettings()
        // A thread that is late has to send all there is, or its viewers would miss what others see.
        settings.maximumLag = .seconds(4)
        settings.movesTimes = false
        settings.wantsLayers = true
        subscription = FeedSubscription(replica: replica, mailbox: mailbox, viewer: 0, sink: self, settings: settings)
        subscription?.pump()
    }

    /// What sender reports say.
    var clock: SendClock { media.clock }

    /// Sends to one more viewer, from the newest random access point on.
    func append(_ viewer: ViewerParty, now: Duration) {
        viewers.append(viewer)
        listen()
        send(to: viewer, now: now)
    }

    /// Sends to a viewer no more.
    func remove(_ viewer: ViewerParty) {
        viewers.removeAll { $0 === viewer }
        listen()
        guard viewers.isEmpty else { return }
        subscription?.close()
        loop.remove(self)
    }

    /// The replica has changed.
    func wake(now: Duration) {
        self.now = now
        subscription?.pump()
    }

    /// Gives those who are behind their next burst.
    func catchUp(now: Duration) { for viewer in viewers where viewer.isBehind { send(to: viewer, now: now) } }

    /// Sends a packet again that a viewer missed.
    func resend(
        _ kind: SendKind, layer: UInt8, _ sequence: Int64, _ number: UInt16, to viewer: ViewerParty, now: Duration
    ) {
        switch kind {
        case .audio: viewer.resend(.audio, sequence, number, of: audio, now: now)
        case .video:
            guard let found = layers[layer: layer] else { return }
            viewer.resend(.video, sequence, number, of: found.ring, now: now)
        }
    }

    /// A viewer's decoder can not go on. The publisher is asked, seldom, at whichever node it is.
    func requestRandomAccess(now: Duration) {
        guard asked.map({ now - $0 >= Self.pause }) ?? true else { return }
        asked = now
        replica.requestRandomAccess()
    }

    /// The least time from one request for a random access point to the next.
    private static let pause: Duration = .milliseconds(500)
}

// MARK: - RecordSink

extension StreamFanout {
    /// The rings take everything.
    var isWritable: Bool { true }

    /// Times go on behind what was sent, whatever they are: viewers' packets only go forward.
    func begin(_ term: Term) {
        self.term = term
        media.begin(tracks)
    }

    func write(_ tracks: [Track]) {
        let (before, sent) = (codecs, loop.sounds.sent(tracks))
        media.change(sent)
        layers.change(sent)
        self.tracks = sent
        told = []
        transcoded = zip(tracks, sent).first { $0.codec != $1.codec }?.0.id
        listen()
        for track in sent {
            guard let refusal = media.refusal(track.id) else { continue }
            loop.log.info(
                "a track is not sent to WHEP viewers", replica.id,
                ["track": "\(track.codec)", "reason": refusal.sentence])
        }
        guard !before.isEmpty, before != codecs else { return }
        // What was agreed on with them holds no more; they ask again.
        for viewer in viewers { viewer.close(.codecChanged, now: now) }
    }

    func write(_ unit: AccessUnit) { if unit.track != transcoded { put(unit) } }

    private func put(_ unit: AccessUnit) {
        switch media.packetize(unit, now: now, into: &batch) {
        case .dropped(let drop): note(drop)
        case .payloads(let timestamp):
            if let index = layers.firstIndex(where: { $0.track == unit.track }) {
                layers[index].ring.append(batch, timestamp: timestamp, isRandomAccess: unit.isRandomAccess, now: now)
                layers.note(unit, at: index)
            } else {
                audio.append(batch, timestamp: timestamp, isRandomAccess: true, now: now)
            }
        }
    }

    /// Takes what a transcoder made of the units of a term.
    func receive(sound units: [AccessUnit], of term: Term, now: Duration) {
        guard term == self.term else { return }
        self.now = now
        for unit in units where unit.track == transcoded { put(unit) }
        flush()
    }

    /// Has the sound transcoded for as long as somebody here hears it.
    private func listen() {
        let wants = transcoded != nil && viewers.contains(where: \.hears)
        guard wants != isListening else { return }
        isListening = wants
        if wants {
            loop.sounds.attach(replica, thread: loop.index)
        } else {
            loop.sounds.detach(replica, thread: loop.index)
        }
    }

    func flush() { for viewer in viewers { send(to: viewer, now: now) } }

    func finish() { for viewer in viewers { viewer.close(.streamOver, now: now) } }

    private func send(to viewer: ViewerParty, now: Duration) {
        viewer.send(layers: layers, audio: audio, now: now)
        if viewer.isBehind { loop.isBehind(now: now) }
    }

    /// Layers come and go; what was agreed on with viewers are the codecs.
    private var codecs: Set<Codec> { Set(tracks.map(\.codec)) }

    private func note(_ drop: RTPFromMedia.Drop) {
        loop.metrics.unitDropped(drop.counterName)
        guard case .refused(.reorderedReferences) = drop, told.insert(drop).inserted else { return }
        let reason = RTPFromMedia.Refusal.reorderedReferences.sentence
        loop.log.warning("video is not sent to WHEP viewers any more", replica.id, ["reason": reason])
        loop.table.refuse(replica, because: reason)
        for viewer in viewers { viewer.close(.codecChanged, now: now) }
    }
}

extension RTPFromMedia.Drop {
    fileprivate var counterName: String {
        switch self {
        case .awaitsRandomAccess: "awaits_random_access"
        case .backwards: "backwards"
        case .malformed, .unknownTrack: "malformed"
        case .refused: "refused"
        case .reordered: "reordered"
        }
    }
}

extension RTPFromMedia.Refusal {
    /// What a person at the encoder can do about it.
    fileprivate var sentence: String {
        switch self {
        case .codec(let codec): "browsers take no \(codec) over WebRTC; publish Opus"
        case .channels(let count): "\(count) channels; publish at most 2"
        case .reorderedReferences: "B-frames to which others refer; publish without B-frames (x264: bframes=0)"
        }
    }
}
