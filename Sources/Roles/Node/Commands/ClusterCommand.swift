// SPDX-License-Identifier: Apache-2.0

import APIClient
import ArgumentParser
import Identity

/// `millrace cluster`.
struct ClusterCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cluster", abstract: "See and steer the cluster of a running node.",
        discussion: """
            Any node answers for the whole cluster; a node that is in none answers for itself. Load and viewers are known \
            to routers, which all edges of their region report to: ask one of them for these.
            """,
        subcommands: [
            Summary.self, Members.self, Streams.self, Ranking.self, Tree.self, ClusterDrainCommand.self,
            ClusterEventsCommand.self, ClusterKeysCommand.self,
        ],
        defaultSubcommand: Summary.self
    )

    /// `millrace cluster summary`, and `millrace cluster`.
    struct Summary: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "summary", abstract: "Say how the cluster is, in a few lines.",
            discussion: "Ends with 1 where there is something that somebody should look at.")
        @OptionGroup(title: "Node") var arguments: NodeArguments

        func run() throws {
            let answer = try arguments.get("/api/v1/cluster").succeeded()
            let cluster = try answer.value()
            if arguments.json { print(answer.text) } else { describe(cluster) }
            guard cluster["problems"].items.isEmpty else { throw ExitCode(1) }
        }

        private func describe(_ cluster: JSONValue) {
            let clustered = cluster["clustered"] == .flag(true)
            print("\(cluster["node"].words) in \(cluster["region"].words)\(clustered ? "" : ", alone")")
            print("members: " + counts(cluster["members"], ["alive", "suspect", "dead", "left", "draining"]))
            print("streams: " + counts(cluster["streams"], ["live", "absent"]))
            if cluster["viewers"] != .null { print("viewers: \(cluster["viewers"].words)") }
            AnswerTable(cluster["regions"].items, columns: ["name", "members", "capacity", "load", "heardAt"])
                .print(orElse: "no regions")
            let problems = cluster["problems"].items
            print(problems.isEmpty ? "all is well" : problems.map { "look: \($0.words)" }.joined(separator: "\n"))
        }

        private func counts(_ value: JSONValue, _ names: [String]) -> String {
            names.map { "\(value[$0].words) \($0)" }.filter { !$0.hasPrefix("0 ") || $0 == "0 live" }
                .joined(separator: ", ")
        }
    }

    /// `millrace cluster members`.
    struct Members: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "members",
            abstract: "List the nodes: where they stand, what they do, how they are and how loaded.",
            discussion: """
                alive answers; suspect did not answer somebody and keeps what it has; dead is gone without a word; left \
                said that it goes. egress and capacity are bits a second, share and processor are 0 to 1.
                """)
        @OptionGroup(title: "Node") var arguments: NodeArguments

        func run() throws {
            try arguments.printList(
                "members", at: "/api/v1/cluster/members",
                columns: [
                    "name", "health", "draining", "region", "zone", "roles", "load.viewers", "load.egress", "capacity",
                    "load.share", "load.processor", "gossip",
                ], orElse: "no members")
        }
    }

    /// `millrace cluster streams`.
    struct Streams: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "streams", abstract: "List the streams of all regions, with their gateways and standbys.")
        @OptionGroup(title: "Node") var arguments: NodeArguments

        func run() throws {
            try arguments.printList(
                "streams", at: "/api/v1/cluster/streams",
                columns: [
                    "id", "state", "region", "gateway", "standby", "viewers", "edges", "bitrate", "codecs",
                    "resolution",
                    "term",
                ], orElse: "no streams")
        }
    }

    /// `millrace cluster ranking STREAM`.
    struct Ranking: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "ranking", abstract: "Say which nodes serve a stream, best first.",
            discussion: """
                The stream need not be live: the ranking follows from its name and the members. inEdgeSet marks the nodes \
                that viewers are sent to, warm those that hold the stream already.
                """)
        @Argument(help: "The stream, APP/NAME or a NAME in the app live.", transform: parsedStream) var stream: StreamID
        @OptionGroup(title: "Node") var arguments: NodeArguments

        func run() throws {
            try arguments.printList(
                "ranking", at: "/api/v1/cluster/ranking/\(stream.pathKey)",
                columns: ["place", "node", "zone", "roles", "health", "takesWork", "inEdgeSet", "warm", "viewers"],
                orElse: "no node serves viewers")
        }
    }

    /// `millrace cluster tree STREAM`.
    struct Tree: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "tree", abstract: "Draw who takes a live stream from whom.")
        @Argument(help: "The stream, APP/NAME or a NAME in the app live.", transform: parsedStream) var stream: StreamID
        @OptionGroup(title: "Node") var arguments: NodeArguments

        func run() throws {
            let answer = try arguments.get("/api/v1/cluster/streams/\(stream.pathKey)").succeeded()
            if arguments.json { return print(answer.text) }
            for line in BranchLines(try answer.list("tree")).lines { print(line) }
        }
    }
}
