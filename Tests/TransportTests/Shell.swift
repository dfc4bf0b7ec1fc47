// SPDX-License-Identifier: Apache-2.0

import Glibc
import NIOPosix

/// A command that did not end well.
struct ShellFailure: Error {
    let command: String
    let status: Int32
}

/// Runs a command of the shell, on a thread that may block.
func run(_ command: String) async throws {
    let status = try await NIOThreadPool.singleton.runIfActive { system(command) }
    guard status == 0 else { throw ShellFailure(command: command, status: status) }
}
