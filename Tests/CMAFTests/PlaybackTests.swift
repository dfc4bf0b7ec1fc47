// SPDX-License-Identifier: Apache-2.0

import CMAF
import Foundation
import Media
import Testing

@Suite("A written stream")
struct PlaybackTests {
    @Test(
        "decodes in ffmpeg without a complaint, every unit of it", .enabled(if: Tool.isInstalled),
        arguments: ["h264-aac", "hevc-opus", "av1-opus"], [1, 7, 40])
    func decodes(name: String, unitsPerPart: Int) throws {
        let stream = try RecordedStream(name)
        var bytes = InitSectionWriter.write(stream.tracks)
        for fragment in stream.fragments(of: unitsPerPart, packaging: Self.upgraded) {
            bytes += FragmentWriter.write(fragment)
        }
        let file = FileManager.default.temporaryDirectory.appending(path: "millrace-\(name)-\(unitsPerPart).mp4")
        try Data(bytes).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }

        let decoded = try Tool.run("ffmpeg", ["-v", "warning", "-i", file.path, "-f", "null", "-"])
        #expect(decoded.isEmpty, "\(decoded)")
        let fields = "stream=codec_name,nb_read_packets,nb_read_frames"
        let probed = try Tool.run(
            "ffprobe",
            ["-v", "error", "-count_packets", "-count_frames", "-show_entries", fields, "-of", "csv=p=0", file.path])
        let expected = stream.tracks.map { track in
            let count = stream.units.count { $0.track == track.id }
            return "\(track.codec.probeName),\(count),\(count)"
        }
        #expect(probed.split(separator: "\n").map(String.init) == expected)
    }

    /// The first segments are of the first version, all others of the second.
    private static func upgraded(part: Int) -> UInt8 { part < 6 ? 1 : 2 }

    @Test("keeps presentation times, which a demuxer reads back", .enabled(if: Tool.isInstalled))
    func times() throws {
        let stream = try RecordedStream("h264-aac")
        var bytes = InitSectionWriter.write(stream.tracks)
        for fragment in stream.fragments(of: 9, packaging: Self.upgraded) { bytes += FragmentWriter.write(fragment) }
        let file = FileManager.default.temporaryDirectory.appending(path: "millrace-times.mp4")
        try Data(bytes).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let packets = try Tool.run(
            "ffprobe",
            [
                "-v", "error", "-select_streams", "v", "-show_entries", "packet=pts,dts,size", "-of", "csv=p=0",
                file.path,
            ])
        let expected = stream.units.filter { $0.track == .video }.map { unit in
            let decode = unit.decodeTime.ticks
            return "\(decode + Int64(unit.compositionOffset)),\(decode),\(unit.payload.count)"
        }
        #expect(packets.split(separator: "\n").map { $0.trimmingSuffix(",") } == expected)
    }
}

/// Programs of ffmpeg, which the tests need as a reader that is not ours.
enum Tool {
    static let isInstalled = path("ffmpeg") != nil && path("ffprobe") != nil

    /// Runs a program and returns all that it wrote.
    static func run(_ name: String, _ arguments: [String]) throws -> String {
        let process = Process()
        process.executableURL = URL(filePath: try #require(path(name)))
        process.arguments = ["-hide_banner"] + arguments
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let data = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        return String(decoding: data, as: UTF8.self)
    }

    private static func path(_ name: String) -> String? {
        ["/usr/bin", "/usr/local/bin"].map { "\($0)/\(name)" }.first {
            FileManager.default.isExecutableFile(atPath: $0)
        }
    }
}

extension Codec {
    fileprivate var probeName: String {
        switch self {
        case .aac: "aac"
        case .av1: "av1"
        case .h264: "h264"
        case .hevc: "hevc"
        case .opus: "opus"
        }
    }
}

extension Substring {
    fileprivate func trimmingSuffix(_ suffix: Character) -> String {
        String(last == suffix ? dropLast() : self)
    }
}
