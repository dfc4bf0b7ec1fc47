// SPDX-License-Identifier: Apache-2.0

import APIClient
import ArgumentParser
import Foundation

/// `millrace cluster keys`.
struct ClusterKeysCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys", abstract: "Change the keys that the cluster seals its packets with.",
        discussion: """
            To change the key while all goes on: install the new one, wait until every node lists it, use it, and remove \
            the old one; then set cluster.key to the new one on every node, for their next start.

                openssl rand -hex 32 > new.key
                millrace cluster keys install new.key     prints its id, as 1a2b3c4d
                millrace cluster keys use 1a2b3c4d
                millrace cluster keys remove OLD

            Keys are changed from a node's own machine.
            """,
        subcommands: [List.self, Install.self, Use.self, Remove.self])

    /// `millrace cluster keys list`.
    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "List the ids of the keys that the node knows.")
        @OptionGroup(title: "Node") var arguments: NodeArguments

        func run() throws {
            try arguments.printList(
                "keys", at: "/api/v1/cluster/keys", columns: ["key", "inUse"], orElse: "no keys: the node is alone")
        }
    }

    /// `millrace cluster keys install FILE`.
    struct Install: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "install", abstract: "Let every node open packets with a further key; prints the key's id.",
            discussion: "The key is never an argument, where every user of the machine could see it.")
        @Argument(help: "A file with the key, 32 bytes as 64 hexadecimal digits or in base64; - for standard input.")
        var file: String
        @OptionGroup(title: "Node") var arguments: NodeArguments

        func run() throws { try arguments.changeKey("install", "secret", try ClusterKeyFile.text(of: file)) }
    }

    /// `millrace cluster keys use ID`.
    struct Use: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "use", abstract: "Let every node seal packets with an installed key.")
        @Argument(help: "The key's id, eight hexadecimal digits.", transform: parsedKey) var key: String
        @OptionGroup(title: "Node") var arguments: NodeArguments

        func run() throws { try arguments.changeKey("use", "key", key) }
    }

    /// `millrace cluster keys remove ID`.
    struct Remove: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "remove", abstract: "Let every node forget a key that is not in use.")
        @Argument(help: "The key's id, eight hexadecimal digits.", transform: parsedKey) var key: String
        @OptionGroup(title: "Node") var arguments: NodeArguments

        func run() throws { try arguments.changeKey("remove", "key", key) }
    }
}

/// The file of a key.
enum ClusterKeyFile {
    /// What stands in a file, or comes from standard input for `-`, without the space around it.
    static func text(of name: String) throws -> String {
        let data =
            name == "-"
            ? FileHandle.standardInput.readDataToEndOfFile() : FileManager.default.contents(atPath: name)
        guard let data else { throw Refusal.unavailable("\(name): can not be read") }
        let text = String(decoding: data.prefix(longest), as: UTF8.self)
            .trimmingCharacters(in: .whitespacesAndNewlines)
        guard !text.isEmpty else { throw Refusal.unavailable("\(name): has no key in it") }
        return text
    }

    private static let longest = 1024
}

extension NodeArguments {
    /// Changes the keys and prints the id of the key that was meant.
    fileprivate func changeKey(_ verb: String, _ field: String, _ value: String) throws {
        let answer = try post("/api/v1/cluster/keys", ["verb": .text(verb), field: .text(value)]).succeeded()
        print(json ? answer.text : try answer.value()["key"].words)
    }
}
