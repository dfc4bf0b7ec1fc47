// SPDX-License-Identifier: Apache-2.0

import Recording
import Testing

@Suite("The progress of a stream in a store")
struct StoredProgressTests {
    @Test("is that of its first recording until that is whole")
    func order() {
        var progress = StoredProgress()
        let first = progress.begin()
        #expect(progress.list(4, in: first) == 4)
        let second = progress.begin()
        #expect(progress.list(9, in: second) == nil)
        #expect(progress.list(5, in: first) == 5)
        #expect(progress.complete(first) == 9)
        #expect(progress.list(10, in: second) == 10)
        #expect(!progress.isEmpty && progress.complete(second) == nil && progress.isEmpty)
    }

    @Test("does not go back")
    func monotonic() {
        var progress = StoredProgress()
        let first = progress.begin()
        #expect(progress.list(4, in: first) == 4 && progress.list(3, in: first) == nil)
        #expect(progress.list(4, in: first) == nil && progress.list(7, in: 99) == nil)
        let second = progress.begin()
        let third = progress.begin()
        #expect(progress.complete(second) == nil && progress.list(9, in: third) == nil)
        #expect(progress.complete(first) == 9)
    }
}
