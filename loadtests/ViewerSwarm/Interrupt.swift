// SPDX-License-Identifier: Apache-2.0

import Glibc
import Synchronization

/// Whether somebody has asked the program to end, by SIGINT or SIGTERM: it then tells what it has seen so far. The second
/// time it ends at once.
enum Interrupt {
    static var isAsked: Bool { asked.load(ordering: .relaxed) }

    /// From now on. A connection that its server has ended is no reason to end either.
    static func listen() {
        signal(SIGPIPE, SIG_IGN)  // OpenSSL writes without MSG_NOSIGNAL.
        _ = isAsked  // What is made at its first use must not be made in a signal's handler.
        for number in [SIGINT, SIGTERM] {
            signal(number) { number in
                asked.store(true, ordering: .relaxed)
                signal(number, SIG_DFL)
            }
        }
    }
}

private let asked = Atomic<Bool>(false)
