// SPDX-License-Identifier: Apache-2.0

import APIClient
import ArgumentParser
import Identity
import Recording

/// `millrace recordings`.
struct RecordingsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "recordings", abstract: "List, export and delete recordings.",
        subcommands: [RecordingsListCommand.self, RecordingsExportCommand.self, RecordingsDeleteCommand.self])
}

/// `millrace recordings list`.
struct RecordingsListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the recordings in the store of a running node.")

    @Argument(help: "Only those of one stream, as app/name.", transform: parsedStream) var stream: StreamID?
    @OptionGroup(title: "Node") var arguments: NodeArguments

    func run() throws {
        var lists: [JSONValue] = []
        var mark: String?
        repeat {
            let query = ["stream": stream?.description, "after": mark].compactMapValues { $0 }
            let text = query.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value.asPathComponent)" }
            let path = (["/api/v1/recordings"] + (text.isEmpty ? [] : [text.joined(separator: "&")]))
            let answer = try arguments.get(path.joined(separator: "?"), patience: .seconds(60)).succeeded()
            if arguments.json { print(answer.text) }
            lists += try answer.list("recordings")
            if case .text(let next) = try answer.value()["next"] { mark = next } else { mark = nil }
        } while mark != nil
        guard !arguments.json else { return }
        AnswerTable(lists, columns: ["id", "state", "startedAt", "durationSeconds", "segments", "gaps", "renditions"])
            .print(orElse: "no recordings")
    }
}

/// `millrace recordings delete`.
struct RecordingsDeleteCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete", abstract: "Delete a recording, its playlists first.",
        discussion: "Needs an operator's token from another machine. A stream that is live is stopped first.")

    @Argument(help: "The recording, as app/name/number.", transform: parsedRecording) var name: RecordingName
    @OptionGroup(title: "Node") var arguments: NodeArguments

    func run() throws {
        let path = "/api/v1/recordings/\(name.description.asPathComponent)"
        _ = try arguments.delete(path).succeeded()
        print("\(name) is deleted")
    }
}
