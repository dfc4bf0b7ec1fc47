// SPDX-License-Identifier: Apache-2.0

import Placement
import Testing

@Suite("The answer to a balancer's agent check")
struct AgentCheckTests {
    @Test(
        "is what is free, a drain or maintenance",
        arguments: [
            (.serving(use: 0.25), "up ready 75%\n"), (.serving(use: 0), "up ready 100%\n"),
            (.serving(use: 1), "up ready 1%\n"), (.serving(use: 7), "up ready 1%\n"),
            (.serving(use: -1), "up ready 100%\n"), (.serving(use: .nan), "up ready 1%\n"),
            (.draining, "drain\n"), (.unfit, "maint\n"),
        ] as [(AgentCheck, String)])
    func lines(check: AgentCheck, line: String) {
        #expect(check.line == line)
    }
}
