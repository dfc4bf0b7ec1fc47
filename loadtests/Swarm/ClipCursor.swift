// SPDX-License-Identifier: Apache-2.0

public import RTMP

/// One publisher's place in a clip that is played for ever at the speed of life.
public struct ClipCursor: Sendable {
    private let clip: Clip
    private var index = 0
    /// When the present round began, in milliseconds of the stream's own time.
    private var roundStart: UInt64 = 0

    /// Starts at the clip's first message.
    public init(_ clip: Clip) { self.clip = clip }

    /// When the next message is due, after the stream's beginning.
    public var due: Duration { .milliseconds(Int64(clamping: dueMilliseconds)) }

    /// The next message if it is due; its payload is shared with the clip.
    /// - Parameter elapsed: the time since the stream began.
    public mutating func next(elapsed: Duration) -> MediaTag? {
        guard due <= elapsed else { return nil }
        let message = clip.messages[index]
        let timestamp = UInt32(truncatingIfNeeded: dueMilliseconds)
        index += 1
        if index == clip.messages.count {
            index = 0
            roundStart += UInt64(clip.period)
        }
        return MediaTag(kind: message.kind, timestamp: timestamp, header: [], payload: message.body)
    }

    private var dueMilliseconds: UInt64 { roundStart + UInt64(clip.messages[index].timestamp) }
}
