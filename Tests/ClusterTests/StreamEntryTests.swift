// SPDX-License-Identifier: Apache-2.0

import Cluster
import Identity
import Testing

@Suite("A stream's entry")
struct StreamEntryTests {
    @Test("gives way to a higher term, and within a term to a higher version")
    func order() throws {
        let old = try entry(term: 1, version: 7)
        #expect(try entry(term: 2, version: 0).overrides(old))
        #expect(try entry(term: 1, version: 8).overrides(old))
        #expect(try !entry(term: 1, version: 7).overrides(old))
        #expect(try !entry(term: 0, version: 9).overrides(old))
    }

    private func entry(term: UInt64, version: UInt32) throws -> StreamEntry {
        StreamEntry(
            stream: try StreamID(parsing: "live/a"), term: Term(number: term, salt: 0), version: version,
            gateway: try #require(NodeID(parsing: "a")), region: .local, state: .live, publisher: 1)
    }
}
