// SPDX-License-Identifier: Apache-2.0

public import NIOCore
import Replica

/// What an edge keeps on each event loop, made once at start.
public struct EdgeLoops: Sendable {
    let tables: [ObjectIdentifier: NIOLoopBound<SubscriptionTable>]

    /// Makes the tables of all loops of `group`, each on its loop.
    public init(group: any EventLoopGroup) async throws {
        var tables: [ObjectIdentifier: NIOLoopBound<SubscriptionTable>] = [:]
        for loop in group.makeIterator() {
            tables[ObjectIdentifier(loop)] = try await loop.submit {
                NIOLoopBound(SubscriptionTable(eventLoop: loop), eventLoop: loop)
            }.get()
        }
        self.tables = tables
    }
}
