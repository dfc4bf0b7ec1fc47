// SPDX-License-Identifier: Apache-2.0

import Identity
import Placement
import Testing

@Suite("A handover's plan")
struct HandoverPlanTests {
    private let streams: [StreamID] = (0..<30).compactMap { try? StreamID(app: "live", name: "s\($0)") }

    @Test("asks all publishers in the first third, evenly, and each once")
    func asks() {
        var plan = HandoverPlan(from: .seconds(100), to: .seconds(160))
        var asked: [StreamID] = []
        for second in 0...20 {
            let directives = plan.tick(streams, now: .seconds(100 + second))
            #expect(directives.count <= 2)
            for case .ask(let stream) in directives { asked.append(stream) }
            #expect(asked.count >= second * 30 / 20)
        }
        #expect(asked.count == 30)
        #expect(Set(asked).count == 30)
    }

    @Test("cuts off at a boundary after two thirds, wherever it is at the end, and each once")
    func parts() {
        var plan = HandoverPlan(from: .zero, to: .seconds(60))
        var (atBoundary, at): ([StreamID: Int], [StreamID: Int]) = ([:], [:])
        for second in 0...60 {
            for directive in plan.tick(streams, now: .seconds(second)) {
                switch directive {
                case .ask: #expect(second <= 20)
                case .part(let stream): #expect(at.updateValue(second, forKey: stream) == nil)
                case .partAtBoundary(let stream): #expect(atBoundary.updateValue(second, forKey: stream) == nil)
                }
            }
        }
        #expect(atBoundary.count == 30 && atBoundary.values.allSatisfy { $0 == 40 })
        #expect(at.count == 30 && at.values.allSatisfy { $0 == 58 })
    }

    @Test("leaves those alone that have gone")
    func gone() {
        var plan = HandoverPlan(from: .zero, to: .seconds(60))
        #expect(plan.tick(streams, now: .zero).count == 1)
        #expect(plan.tick([], now: .seconds(41)).isEmpty)
    }

    @Test("asks those that come late, and cuts them off with the others")
    func late() {
        var plan = HandoverPlan(from: .zero, to: .seconds(60))
        _ = plan.tick(Array(streams.prefix(1)), now: .seconds(30))
        let directives = plan.tick(streams, now: .seconds(41))
        #expect(directives.count { if case .ask = $0 { true } else { false } } == 29)
        #expect(directives.count { if case .partAtBoundary = $0 { true } else { false } } == 30)
    }

    @Test("cuts all off at once where there is no time", arguments: [0, 1])
    func short(seconds: Int) {
        var plan = HandoverPlan(from: .zero, to: .seconds(seconds))
        let directives = plan.tick(streams, now: .seconds(seconds))
        #expect(directives.count { if case .part = $0 { true } else { false } } == 30)
    }
}
