// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import DelayLine
import Glibc
import Synchronization

/// `millrace-drill delay-line FILE`: the lab starts it between the bridges of its regions.
struct DelayLineCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delay-line",
        abstract: "Forward Ethernet frames between interfaces, late and lossy as a file says.",
        discussion: "SIGHUP reads the file again. Needs CAP_NET_RAW; cluster/lab starts it by itself."
    )

    @Argument(help: "The ports and links, a line each.", completion: .file())
    var file: String

    func run() throws {
        let lines = try FrameSwitch(try table())
        signal(SIGHUP) { _ in fileChanged.store(true, ordering: .relaxed) }
        print("forwarding")
        fflush(nil)
        while true {
            if fileChanged.exchange(false, ordering: .relaxed) { lines.use(try table()) }
            lines.forward(waiting: Self.longestWait)
        }
    }

    private func table() throws -> LinkTable {
        guard let handle = fopen(file, "r") else { throw ValidationError("\(file) can not be read") }
        defer { fclose(handle) }
        var bytes = [UInt8](repeating: 0, count: Self.longestFile)
        let count = fread(&bytes, 1, bytes.count, handle)
        return try LinkTable(parsing: String(decoding: bytes[..<count], as: UTF8.self))
    }

    /// How late a change of the file is seen at worst, where its signal came just before the wait.
    private static let longestWait: Duration = .milliseconds(50)
    private static let longestFile = 1 << 20
}

private let fileChanged = Atomic(false)
