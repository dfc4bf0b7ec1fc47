// SPDX-License-Identifier: Apache-2.0

import HLS
import Synchronization
import Transport

/// What those who play a stream have its publisher asked for, wherever in the cluster that is.
extension StreamReplica {
    /// Says how whoever sends the records is asked for a random access point; in place of who was before.
    public func asks(_ ask: @escaping @Sendable () -> Void) { state.withLock { $0.ask = ask } }

    /// A decoder can not go on without a random access point. Many who ask are one, and none is asked for more often than
    /// twice a second: an encoder that is asked more often only loses quality.
    public func requestRandomAccess() {
        let now = SystemClock.now()
        let ask = state.withLock { state -> (@Sendable () -> Void)? in
            guard state.asked.map({ now - $0 >= Self.pause }) ?? true, let ask = state.ask else { return nil }
            state.asked = now
            return ask
        }
        ask?()
    }

    /// The version of the byte writer of the newest segment; nil before the first.
    var packaging: UInt8? { state.withLock { $0.feed.window.packaging } }

    private static let pause: Duration = .milliseconds(500)
}
