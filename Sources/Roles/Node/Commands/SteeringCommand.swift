// SPDX-License-Identifier: Apache-2.0

import APIClient
import ArgumentParser
import Cluster
import Control
import Identity

/// `millrace steering`.
struct SteeringCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "steering", abstract: "Move shares of audiences to the CDN, to another region or to a node.",
        discussion: """
            Any node takes an order, and all nodes of its cluster know it within seconds; players follow within \
            router.steering.
            """,
        subcommands: [SteeringListCommand.self, SteeringMoveCommand.self, SteeringStopCommand.self],
        defaultSubcommand: SteeringListCommand.self)
}

/// `millrace steering list`, and `millrace steering`.
struct SteeringListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the orders that count, the oldest first.")
    @OptionGroup(title: "Node") var arguments: NodeArguments

    func run() throws {
        let answer = try arguments.get("/api/v1/steering").succeeded()
        if arguments.json { return print(answer.text) }
        let lines = try answer.list("orders").map { order in
            JSONValue.object([
                "stream": order["streamKey"] == .null ? .text("all others") : order["streamKey"],
                "shares": .list(Self.shares(of: order)), "ordered": order["orderedAt"], "until": order["expiresAt"],
            ])
        }
        AnswerTable(lines, columns: ["stream", "shares", "ordered", "until"]).print(orElse: "no orders")
    }

    private static func shares(of order: JSONValue) -> [JSONValue] {
        guard case .object(let shares) = order["shares"] else { return [] }
        return shares.sorted { $0.key < $1.key }.map { .text("\($0.key)=\($0.value.words)") }
    }
}

/// `millrace steering move PATHWAY=PERCENT…`.
struct SteeringMoveCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "move",
        abstract: "Say which share of an audience goes where; all others go where they would without.",
        discussion: """
            Pathways are CDN, REGION.NAME for another region, a node's name, and EDGE for the edges of each viewer's \
            region; 0 has nobody go there. An order replaces the one before about the same stream. Needs an operator's \
            token from another machine.
            """)
    @Argument(help: "Shares in whole percents, as in CDN=30 REGION.west=0.", transform: parsedShare)
    var shares: [PathwayShare]
    @Option(
        help: "The stream, APP/NAME or a NAME in the app live; without it, all that have no order of their own.",
        transform: parsedStream) var stream: StreamID?
    @Option(name: .customLong("for"), help: "How long it counts, 1s to 168h.", transform: parsedDuration)
    var life = Duration.seconds(3600)
    @OptionGroup(title: "Node") var arguments: NodeArguments

    func validate() throws {
        guard !shares.isEmpty, shares.isOneAudience else {
            throw ValidationError(
                "shares are of at most \(SteeringOrder.mostShares) pathways, each once, and at most 100 together")
        }
    }

    func run() throws {
        let wish: [String: JSONValue] = [
            "shares": .object(
                Dictionary(
                    shares.map { ($0.pathway, JSONValue.number(Double($0.percent))) },
                    uniquingKeysWith: { first, _ in first })),
            "expiresIn": .number(Double(life.components.seconds)),
            "streamKey": stream.map { JSONValue.text($0.apiKey) } ?? .null,
        ]
        let answer = try arguments.put("/api/v1/steering", wish).succeeded()
        if arguments.json { return print(answer.text) }
        print("ordered until \(try answer.value()["expiresAt"].words)")
    }
}

/// `millrace steering stop`.
struct SteeringStopCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stop", abstract: "Take an order back.",
        discussion: "Needs an operator's token from another machine.")
    @Option(
        help: "The stream of the order, APP/NAME or a NAME in the app live; without it, the order about all others.",
        transform: parsedStream) var stream: StreamID?
    @OptionGroup(title: "Node") var arguments: NodeArguments

    func run() throws {
        let query = stream.map { "?stream=\($0.pathKey)" } ?? ""
        _ = try arguments.delete("/api/v1/steering\(query)").succeeded()
        print("viewers of \(stream.map(\.description) ?? "all other streams") go where they would without an order")
    }
}

/// Parses `PATHWAY=PERCENT`.
private func parsedShare(_ text: String) throws -> PathwayShare {
    let parts = text.split(separator: "=", omittingEmptySubsequences: false)
    guard parts.count == 2, let percent = UInt8(parts[1]),
        let share = PathwayShare(pathway: String(parts[0]), percent: percent)
    else { throw ValidationError("\(text): write it as PATHWAY=PERCENT, 0 to 100") }
    return share
}
