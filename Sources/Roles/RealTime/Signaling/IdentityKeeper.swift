// SPDX-License-Identifier: Apache-2.0

import SecureMedia
import Synchronization
import Transport

/// The certificate that new sessions name: another each day, made at the first wish for it.
final class IdentityKeeper: Sendable {
    private let state = Mutex<(identity: DTLSIdentity, until: Duration)?>(nil)

    func current() -> DTLSIdentity {
        let now = SystemClock.now()
        return state.withLock { state in
            if let state, now < state.until { return state.identity }
            let identity = DTLSIdentity.generate(now: SystemClock.wall())
            state = (identity, now + .seconds(86_400))
            return identity
        }
    }
}
