// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Glibc

/// `cluster/drill`, the lab's commands, in the checkout that holds this program or from which it is run.
struct LabScript {
    let path: String

    /// Throws where there is none.
    init() throws {
        guard let program = Self.text(realpath("/proc/self/exe", nil)), let folder = Self.text(getcwd(nil, 0)),
            let path = Self.script(above: program) ?? Self.script(above: folder + "/.")
        else {
            throw ValidationError("there is no cluster/drill in the folders above this program: run it from a checkout")
        }
        // The lab takes the programs of the same build.
        setenv("PROGRAM", program, 0)
        self.path = path
    }

    /// Becomes the script; returns only where that is impossible, and throws then.
    func replaceProcess(with words: [String]) throws {
        var arguments = ([path] + words).map { strdup($0) } + [nil]
        execv(path, &arguments)
        throw ValidationError("\(path) can not be run: \(String(cString: strerror(errno)))")
    }

    /// `cluster/drill` of the checkout in which `path` lies.
    private static func script(above path: String) -> String? {
        var above = path[...]
        while let slash = above.lastIndex(of: "/") {
            above = above[..<slash]
            let script = above + "/cluster/drill"
            if access(String(script), X_OK) == 0 { return String(script) }
        }
        return nil
    }

    /// Takes what the C library allocated.
    private static func text(_ bytes: UnsafeMutablePointer<CChar>?) -> String? {
        defer { free(bytes) }
        return bytes.map { String(cString: $0) }
    }
}
