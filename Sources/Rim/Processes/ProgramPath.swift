// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Where programs are.
public enum ProgramPath {
    /// The path of a program: a name is looked for in the folders of the environment's `PATH`; what has a slash in it is a
    /// path already. nil where there is nothing that may be executed.
    public static func find(_ name: String) -> String? {
        guard !name.isEmpty else { return nil }
        guard !name.contains("/") else { return isProgram(name) ? name : nil }
        let folders = getenv("PATH").map { String(cString: $0) } ?? "/usr/local/bin:/usr/bin:/bin"
        return folders.split(separator: ":").lazy.map { "\($0)/\(name)" }.first(where: isProgram)
    }

    private static func isProgram(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG && access(path, X_OK) == 0
    }
}
