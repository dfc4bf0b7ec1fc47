// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Logging
import Telemetry

/// `millrace serve`.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Run a node until it is told to stop.",
        discussion: """
            Publish:  ffmpeg -re -i FILE -c copy -f flv rtmp://127.0.0.1:1935/live/NAME
            Watch:    http://127.0.0.1:8080/watch/live/NAME
            Play:     http://127.0.0.1:8080/live/NAME/index.m3u8

            SIGTERM and SIGINT end it in order: publishers are told and playlists are closed.
            """
    )

    @Flag(help: "Publish a moving test pattern with clock and tone to live/demo; needs ffmpeg.")
    var demo = false

    @OptionGroup(title: "Settings") var arguments: SettingsArguments

    func run() async throws {
        let settings = try arguments.settings()
        ProcessLimits.prepare()
        LoggingSystem.bootstrap { settings.log.sink(label: $0) }
        try await NodeService(settings: settings, demo: demo).run()
    }
}

extension LogSettings {
    /// The handler of a logger.
    fileprivate func sink(label: String) -> LogSink {
        let format: LogFormat =
            switch format {
            case .auto: LogSink.format()
            case .text: .text
            case .json: .json
            }
        return LogSink(label: label, level: Logger.Level(rawValue: level.rawValue) ?? .info, format: format)
    }
}
