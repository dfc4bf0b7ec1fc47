// SPDX-License-Identifier: Apache-2.0

import Glibc
import NIOCore
import NIOPosix
import Node
import Synchronization

/// A node that stands still, as one that was sent SIGSTOP: its connections stay open, and nobody answers on them.
package final class StandStill: Sendable {
    private let isOver = Atomic(false)

    /// Stops every event loop of a node, until ``end()``.
    package init(of node: TestNode) {
        for loop in node.assembly.group.makeIterator() {
            loop.execute { [self] in
                while !isOver.load(ordering: .acquiring) { usleep(5000) }
            }
        }
    }

    /// The node goes on.
    package func end() { isOver.store(true, ordering: .releasing) }
}
