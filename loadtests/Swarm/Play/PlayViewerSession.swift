// SPDX-License-Identifier: Apache-2.0

public import RTMP

/// One viewer of RTMP or FLV, from when it was to come until it leaves: what it is told is counted, and what does not come is
/// noticed.
public struct PlayViewerSession: Sendable {
    private enum Phase {
        /// Nothing to see yet, until then. Exits: watching, over.
        case joining(until: Duration)
        /// Exit: over.
        case watching
        /// Silent.
        case over
    }

    private let began: Duration
    private var accepted: Duration?
    private var phase: Phase
    private var pictures = PictureWatch()
    private var hasVideo = false

    /// A viewer that comes now.
    /// - Parameter due: when it was to, where whoever runs it was late.
    public init(now: Duration, due: Duration? = nil, tally: inout PlayTally) {
        began = due ?? now
        phase = .joining(until: now + Self.patience)
        tally.joins += 1
    }

    /// Whether nothing more is wanted.
    public var isOver: Bool { if case .over = phase { true } else { false } }

    /// The server lets it watch.
    public mutating func accept(now: Duration, tally: inout PlayTally) {
        guard accepted == nil else { return }
        accepted = now
        tally.connected += 1
        tally.connectTimes.add(now - began)
    }

    /// Takes a message of the stream.
    public mutating func receive(_ message: MediaMessage, now: Duration, tally: inout PlayTally) {
        guard !isOver else { return }
        tally.packets += 1
        tally.bytes += message.body.count
        hasVideo = hasVideo || message.kind == .video
        guard message.role == .accessUnit else { return }
        if message.kind == .video { tally.pictures += 1 } else { tally.sounds += 1 }
        guard message.kind == (hasVideo ? .video : .audio) else { return }
        if case .joining = phase {
            guard message.kind == .audio || message.isRandomAccess else { return }
            phase = .watching
            tally.started += 1
            tally.startTimes.add(now - began)
        }
        pictures.show(FrameStamp.read(message.body), now: now, tally: &tally)
    }

    /// Nothing more comes.
    public mutating func fail(_ fault: PlayFault, now: Duration, tally: inout PlayTally) {
        guard !isOver else { return }
        tally.faults[fault, default: 0] += 1
        finish(now: now, &tally)
    }

    /// Notices what has not come.
    public mutating func tick(now: Duration, tally: inout PlayTally) {
        guard case .joining(let end) = phase, end <= now else { return }
        fail(accepted == nil ? .timeout : .silence, now: now, tally: &tally)
    }

    /// The viewer has seen enough.
    public mutating func leave(now: Duration, tally: inout PlayTally) {
        switch phase {
        case .joining:
            tally.cutShort += 1
            tally.unserved += now - began >= PlayTally.longWait ? 1 : 0
        case .over: return
        case .watching: tally.left += 1
        }
        finish(now: now, &tally)
    }

    private mutating func finish(now: Duration, _ tally: inout PlayTally) {
        phase = .over
        pictures.finish(now: now, tally: &tally)
        if let accepted { tally.present += now - accepted }
    }

    /// How long it waits for the first picture.
    private static let patience: Duration = .seconds(10)
}
