// SPDX-License-Identifier: Apache-2.0

import Media

/// The end of a token's life, kept in whole seconds in five bytes: enough until the year 36812.
struct Expiry: Equatable, Sendable {
    let seconds: UInt64

    /// The first whole second not before `time`, so that no token dies early.
    init(_ time: WallTime) {
        let seconds = time.milliseconds / 1000 + (time.milliseconds % 1000 > 0 ? 1 : 0)
        self.seconds = UInt64(clamping: min(max(seconds, 0), Self.latest))
    }

    init(_ bytes: some Sequence<UInt8>) { seconds = bytes.reduce(0) { $0 << 8 | UInt64($1) } }

    var time: WallTime { WallTime(milliseconds: Int64(seconds) * 1000) }

    var bytes: [UInt8] { (0..<5).map { UInt8(truncatingIfNeeded: seconds >> (8 * (4 - UInt64($0)))) } }

    private static let latest: Int64 = (1 << 40) - 1
}
