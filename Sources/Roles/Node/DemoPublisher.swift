// SPDX-License-Identifier: Apache-2.0

import Logging
import ServiceLifecycle
import Subprocess

/// Publishes a moving test pattern with clock and tone to `live/demo`, by ffmpeg through the RTMP port like anybody.
struct DemoPublisher: Service {
    let port: Int
    let logger: Logger

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                guard await publish() else { return }
                try? await Task.sleep(for: .seconds(2))
            }
        }
        // A service that returns ends the node; without ffmpeg the node still serves whoever else publishes.
        try await gracefulShutdown()
    }

    /// Runs ffmpeg until it ends or the node stops. Returns whether to try again.
    private func publish() async -> Bool {
        var options = PlatformOptions()
        options.teardownSequence = [.gracefulShutDown(allowedDurationToNextStep: .seconds(1))]
        do {
            let result = try await Subprocess.run(
                .name("ffmpeg"), arguments: Arguments(arguments), platformOptions: options, output: .discarded)
            logger.notice("demo ended", metadata: ["status": "\(result.terminationStatus)"])
            return true
        } catch let error as SubprocessError where error.code == .executableNotFound {
            logger.error("demo needs ffmpeg: install it, or publish something else")
            return false
        } catch {
            return !Task.isCancelled
        }
    }

    private var arguments: [String] {
        let clock =
            "drawtext=text='%{localtime\\:%H\\\\\\:%M\\\\\\:%S}.%{eif\\:1000*(t-trunc(t))\\:d\\:3}'"
            + ":fontsize=56:fontcolor=white:box=1:boxcolor=black@0.6:boxborderw=12:x=(w-tw)/2:y=h-120"
        return [
            "-hide_banner", "-loglevel", "error", "-re", "-f", "lavfi", "-i", "testsrc2=size=1280x720:rate=30",
            "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000:beep_factor=2", "-vf", clock,
            "-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-pix_fmt", "yuv420p", "-g", "60",
            "-b:v", "2500k", "-maxrate", "2500k", "-bufsize", "2500k", "-c:a", "aac", "-b:a", "128k",
            "-f", "flv", "rtmp://127.0.0.1:\(port)/live/demo",
        ]
    }
}
