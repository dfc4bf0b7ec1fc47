// SPDX-License-Identifier: Apache-2.0

public import Feed

/// What a node did that ends its connection, with the offending value.
public enum RelayFailure: Error, Hashable, Sendable {
    /// A node of another cluster.
    case foreignCluster(UInt32)
    /// A frame longer than its kind may be; carries the length claimed.
    case frameLength(Int)
    /// Records that do not follow those before them; carries the number wanted and the number that came.
    case gap(wanted: UInt64, came: UInt64)
    /// A message whose fields are cut short or contradict themselves.
    case malformed
    /// A record within a batch that is none.
    case record(FeedFailure)
    /// No hello in time.
    case silence
    /// The peer takes nothing.
    case stalled
    /// A message that has no place here: not greeted yet, greeted twice, or of a subscription that there is not.
    case unexpected
    /// A kind of message that this version does not have, from who has not said hello.
    case unknownKind(UInt8)
    /// A node that speaks none of the versions that this one speaks.
    case version(theirs: ClosedRange<UInt8>, ours: ClosedRange<UInt8>)

    /// A stable label to count the failure under.
    public var counterName: String {
        switch self {
        case .foreignCluster: "foreign_cluster"
        case .frameLength: "frame_length"
        case .gap: "gap"
        case .malformed: "malformed"
        case .record: "record"
        case .silence: "silence"
        case .stalled: "stalled"
        case .unexpected: "unexpected"
        case .unknownKind: "unknown_kind"
        case .version: "version"
        }
    }

    /// All labels.
    public static let counterNames = [
        "foreign_cluster", "frame_length", "gap", "malformed", "record", "silence", "stalled", "unexpected",
        "unknown_kind", "version",
    ]
}
