// SPDX-License-Identifier: Apache-2.0

/// The first byte of a frame's content.
enum RelayKind: UInt8 {
    case accepted = 1
    case acknowledge = 2
    case committed = 3
    case datagram = 4
    case heartbeat = 5
    case hello = 6
    case pause = 7
    case records = 8
    case redirect = 9
    case refused = 10
    case resume = 11
    case subscribe = 12
    case termAnswer = 13
    case termQuestion = 14
    case unsubscribe = 15
    case attach = 16
    case attached = 17
    case branch = 18
    case detach = 19
    case detached = 20
    case tally = 21
    case randomAccess = 22

    /// The longest frame of this kind, in bytes, where records may have `records`.
    func limit(records: Int) -> Int {
        switch self {
        case .records: records
        case .accepted, .datagram: 65_536
        case .subscribe, .termAnswer, .termQuestion: 4096
        case .acknowledge, .attach, .attached, .branch, .committed, .detach, .detached, .heartbeat, .hello, .pause,
            .randomAccess, .redirect, .refused, .resume, .tally, .unsubscribe:
            256
        }
    }
}
