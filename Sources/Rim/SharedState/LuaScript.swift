// SPDX-License-Identifier: Apache-2.0

import COpenSSL

/// A script that the server runs whole, with nothing between its commands.
struct LuaScript: Hashable {
    let text: String
    /// SHA-1 of the text in hexadecimal digits, by which the server knows it.
    let hash: String

    init(_ text: String) {
        self.text = text
        var digest = [UInt8](repeating: 0, count: 20)
        EVP_Digest(text, text.utf8.count, &digest, nil, EVP_sha1(), nil)
        hash = digest.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }

    static func == (left: LuaScript, right: LuaScript) -> Bool { left.hash == right.hash }

    func hash(into hasher: inout Hasher) { hasher.combine(hash) }
}

/// A script with the keys that it touches and the rest that it is told.
struct ScriptCall {
    let script: LuaScript
    let keys: [String]
    let arguments: [String]

    /// The command that runs a script which the server knows.
    var byHash: [String] { ["EVALSHA", script.hash] + rest }

    /// The command that runs it and makes it known.
    var byText: [String] { ["EVAL", script.text] + rest }

    private var rest: [String] { ["\(keys.count)"] + keys + arguments }
}
