// SPDX-License-Identifier: Apache-2.0

import APIClient
import ArgumentParser

/// `millrace cluster events`.
struct ClusterEventsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "events",
        abstract: "List what changed: nodes that came, failed and left, streams that began and moved.",
        discussion: "A node remembers its newest events. With --follow, prints what comes until it is interrupted.")

    @Flag(help: "Go on with what comes.")
    var follow = false

    @OptionGroup(title: "Node") var arguments: NodeArguments

    func run() throws {
        var after: Int64 = 0
        var wait = 0
        repeat {
            let path = "/api/v1/cluster/events?after=\(after)&wait=\(wait)"
            let answer = try arguments.get(path, patience: .seconds(wait + 5)).succeeded()
            let events = try answer.list("events")
            show(events, answer, isFirst: wait == 0)
            if case .number(let newest) = try answer.value()["newest"] { after = Int64(exactly: newest) ?? after }
            wait = 20
        } while follow
    }

    private func show(_ events: [JSONValue], _ answer: APIAnswer, isFirst: Bool) {
        guard isFirst || !events.isEmpty else { return }
        if arguments.json { return print(answer.text) }
        let table = AnswerTable(events, columns: ["time", "kind", "subject", "state", "gateway"])
        if !events.isEmpty || !follow { table.print(orElse: "no events") }
    }
}
