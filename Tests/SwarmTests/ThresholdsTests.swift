// SPDX-License-Identifier: Apache-2.0

import Foundation
import Swarm
import Testing

@Suite("Thresholds") struct ThresholdsTests {
    @Test("are held at the limit, and broken beyond it")
    func limits() throws {
        let thresholds = try read(#"{"most": {"faults": 2, "start.p95": 1500}, "least": {"started": 10}}"#)
        #expect(try thresholds.broken(by: Result(faults: 2, started: 10, start: .init(count: 1, p95: 1500))) == [])
        let broken = try thresholds.broken(by: Result(faults: 3, started: 9, start: .init(count: 1, p95: 1500.5)))
        #expect(
            broken == [
                "faults is 3, at most 2.0", "start.p95 is 1500.5, at most 1500.0", "started is 9, at least 10.0",
            ])
    }

    @Test("of times that nobody measured are broken, however short nothing is")
    func nothing() throws {
        let unmeasured = Result(faults: 0, started: 0, start: .init(count: 0, p95: 0))
        #expect(
            try read(#"{"most": {"start.p95": 1500}}"#).broken(by: unmeasured) == ["start.p95: nothing was measured"])
        #expect(
            try read(#"{"least": {"start.count": 1}}"#).broken(by: unmeasured) == ["start.count is 0, at least 1.0"])
    }

    @Test("of a name that the result does not have are an error", arguments: ["x", "start.x", "x.p95", "start", ""])
    func strangers(_ name: String) throws {
        let thresholds = try read(#"{"most": {"\#(name)": 1}}"#)
        #expect(throws: Thresholds.Failure.self) { try thresholds.broken(by: Result()) }
    }

    private func read(_ json: String) throws -> Thresholds { try Thresholds(json: Data(json.utf8)) }
}

private struct Result: Encodable {
    struct Times: Encodable {
        var count = 1
        var p95 = 1.0
    }

    var faults = 0
    var started = 0
    var start = Times()
}
