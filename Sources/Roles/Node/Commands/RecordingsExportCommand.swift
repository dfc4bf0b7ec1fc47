// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import Identity
import Recording
import Storage
import Telemetry

/// `millrace recordings export`.
struct RecordingsExportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Write a recording to an MP4 file, from the store alone.",
        discussion: """
            Reads the store of the settings; no node needs to run. Where the stream began anew or changed its tracks, \
            further files are written, FILE-2.mp4 and so on, as one file has one clock and one description of its tracks.
            """)

    @Argument(help: "The file, which must not exist.") var file: String
    @Argument(help: "The recording, as app/name/number.", transform: parsedRecording) var name: RecordingName
    @Option(help: "Which rendition.", transform: parsedRendition) var rendition = RenditionName.main
    @OptionGroup(title: "Settings") var settings: SettingsArguments

    func run() async throws {
        let settings = try settings.settings()
        let client = OutboundClient()
        defer { client.close() }
        let store: (any ObjectStore)?
        do {
            let metrics = StoreMetrics(MetricRegistry(families: StoreMetrics.families))
            store = try settings.objectStore(client, metrics: metrics, attempts: 5)
        } catch let failure as SettingsFailure { throw Refusal.settings(failure.description) }
        guard let store else { throw Refusal.settings("storage.kind is none: there is no store to read") }
        let files = ExportFiles(file)
        let export = RecordingExport(name, rendition: rendition, from: RecordingCatalogue(store))
        do {
            guard let summary = try await export.run(files.write) else {
                throw Refusal.unavailable("there is no recording \(name) with a rendition \(rendition)")
            }
            let gaps = summary.gaps == 0 ? "" : ", \(summary.gaps) missing"
            print("\(summary.segments) segments in \(summary.files) files\(gaps)")
        } catch let failure as ExitCode {
            throw failure
        } catch {
            throw Refusal.unavailable("\(name): \(error)")
        }
    }
}

/// The files of an export, each open while it is written to.
private final class ExportFiles {
    private let path: String
    private var number: Int?
    private var handle: FileHandle?

    init(_ path: String) { self.path = path }

    func write(_ number: Int, _ bytes: [UInt8]) throws {
        if number != self.number {
            try handle?.close()
            let name = number == 0 ? path : Self.name(path, number + 1)
            guard !FileManager.default.fileExists(atPath: name),
                FileManager.default.createFile(atPath: name, contents: nil),
                let opened = FileHandle(forWritingAtPath: name)
            else { throw Refusal.unavailable("\(name): exists, or can not be written") }
            handle = opened
            self.number = number
        }
        try handle?.write(contentsOf: Data(bytes))
    }

    /// `FILE-2.mp4` of `FILE.mp4`.
    private static func name(_ path: String, _ number: Int) -> String {
        guard path.hasSuffix(".mp4") else { return "\(path)-\(number)" }
        return "\(path.dropLast(4))-\(number).mp4"
    }
}
