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
        guard let lab = Self.lab() else {
            throw ValidationError("there is no cluster/drill in the folders above this program: run it from a checkout")
        }
        var words = [lab, "run", topology]
        if bare { words.append("--bare") }
        if let name { words += ["--name", name] }
        var arguments = words.map { strdup($0) } + [nil]
        execv(lab, &arguments)
        throw ValidationError("\(lab) can not be run: \(String(cString: strerror(errno)))")
    }

    /// `cluster/drill` of the checkout that this program was built in, or that one stands in.
    private static func lab() -> String? {
        let program = realpath("/proc/self/exe", nil)
        let folder = getcwd(nil, 0)
        defer {
            free(program)
            free(folder)
        }
        for start in [program, folder].compactMap({ $0 }).map({ String(cString: $0) }) {
            var above = start[...]
            while let slash = above.lastIndex(of: "/") {
                let lab = above + "/cluster/drill"
                if access(String(lab), X_OK) == 0 { return String(lab) }
                above = above[..<slash]
            }
        }
        return nil
    }
}
