// SPDX-License-Identifier: Apache-2.0

import CLinuxIO
import Glibc

/// A program that was started: its number, and our ends of its three pipes.
struct SpawnedProgram: Sendable {
    let process: pid_t
    let input: CInt
    let output: CInt
    let errors: CInt

    /// Starts a program with pipes and nothing else of ours: no descriptor, no variable but those by which programs are
    /// found and speak, as ours may be secrets, no blocked signal, a process group of its own so that a terminal's Ctrl-C is the node's alone. It sees the end of its input when this process is gone, however.
    static func start(_ path: String, _ arguments: [String]) throws(ProcessFailure) -> SpawnedProgram {
        let input = try Pipe()
        let output = try Pipe(closing: [input])
        let errors = try Pipe(closing: [input, output])
        var process = pid_t()
        let result = spawn(path, arguments, [input.reading, output.writing, errors.writing], &process)
        for end in [input.reading, output.writing, errors.writing] { close(end) }
        guard result == 0 else {
            for end in [input.writing, output.reading, errors.reading] { close(end) }
            throw ProcessFailure(path: path, error: result)
        }
        return SpawnedProgram(
            process: process, input: input.writing, output: output.reading, errors: errors.reading)
    }

    private static func spawn(
        _ path: String, _ arguments: [String], _ ends: [CInt], _ process: inout pid_t
    ) -> CInt {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for (number, end) in ends.enumerated() { posix_spawn_file_actions_adddup2(&actions, end, CInt(number)) }
        posix_spawn_file_actions_addclosefrom_np(&actions, CInt(ends.count))
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var (blocked, usual) = (sigset_t(), sigset_t())
        sigemptyset(&blocked)
        sigfillset(&usual)
        posix_spawnattr_setsigmask(&attributes, &blocked)
        posix_spawnattr_setsigdefault(&attributes, &usual)
        let flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP
        posix_spawnattr_setflags(&attributes, Int16(flags))
        var words = ([path] + arguments).map { strdup($0) }
        defer { for word in words { free(word) } }
        words.append(nil)
        var variables = inherited.compactMap { name in getenv(name).map { strdup("\(name)=\(String(cString: $0))") } }
        defer { for variable in variables { free(variable) } }
        variables.append(nil)
        return posix_spawn(&process, path, &actions, &attributes, words, variables)
    }
}

/// The variables that programs get.
private let inherited = ["HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PATH", "TMPDIR", "TZ"]

/// Both ends of a pipe, which no other program inherits.
private struct Pipe {
    let reading: CInt
    let writing: CInt

    init(closing others: [Pipe] = []) throws(ProcessFailure) {
        var ends: [CInt] = [-1, -1]
        guard pipe2(&ends, O_CLOEXEC) == 0 else {
            let error = errno
            for end in others.flatMap({ [$0.reading, $0.writing] }) { close(end) }
            throw ProcessFailure(path: "pipe", error: error)
        }
        (reading, writing) = (ends[0], ends[1])
    }
}

/// Why a program could not be started.
public struct ProcessFailure: Error, CustomStringConvertible {
    /// The program.
    public let path: String
    /// The number of the error.
    public let error: CInt

    /// What a person reads.
    public var description: String { "\(path): \(String(cString: strerror(error)))" }
}
