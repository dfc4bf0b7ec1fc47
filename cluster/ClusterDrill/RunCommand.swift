// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Glibc

/// `millrace-drill run TOPOLOGY`: hands over to the lab, `cluster/drill`, whose other verbs break what runs.
struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Run a topology in network namespaces of its own until Ctrl-C.",
        discussion: "Needs root. cluster/drill --help lists what may be done to it from another shell."
    )

    @Argument(help: "The name of a file in cluster/topologies, or a path.")
    var topology: String

    @Flag(help: "Make the network and start no process.")
    var bare = false

    @Option(help: "How the run is called.")
    var name: String?

    func run() throws {
        guard let program = Self.text(realpath("/proc/self/exe", nil)), let folder = Self.text(getcwd(nil, 0)),
            let lab = Self.lab(above: program) ?? Self.lab(above: folder + "/.")
        else {
            throw ValidationError("there is no cluster/drill in the folders above this program: run it from a checkout")
        }
        // The lab takes the programs of the same build.
        setenv("PROGRAM", program, 0)
        var words = [lab, "run", topology]
        if bare { words.append("--bare") }
        if let name { words += ["--name", name] }
        var arguments = words.map { strdup($0) } + [nil]
        execv(lab, &arguments)
        throw ValidationError("\(lab) can not be run: \(String(cString: strerror(errno)))")
    }

    /// `cluster/drill` of the checkout in which `path` lies.
    private static func lab(above path: String) -> String? {
        var above = path[...]
        while let slash = above.lastIndex(of: "/") {
            above = above[..<slash]
            let lab = above + "/cluster/drill"
            if access(String(lab), X_OK) == 0 { return String(lab) }
        }
        return nil
    }

    /// Takes what the C library allocated.
    private static func text(_ bytes: UnsafeMutablePointer<CChar>?) -> String? {
        defer { free(bytes) }
        return bytes.map { String(cString: $0) }
    }
}
