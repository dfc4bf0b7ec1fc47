// SPDX-License-Identifier: Apache-2.0

import APIClient

extension APIAnswer {
    /// This answer, if its status says yes; otherwise the node's own sentence ends the command.
    func succeeded() throws -> APIAnswer {
        guard !(200..<300).contains(status) else { return self }
        let sentence = JSONValue.parsed(body)?["error"].words ?? ""
        throw Refusal.unavailable(sentence.isEmpty ? "the node answered \(status)" : sentence)
    }

    /// The body as JSON.
    func value() throws -> JSONValue {
        guard let value = JSONValue.parsed(body) else { throw Refusal.unavailable("the node's answer is not JSON") }
        return value
    }

    /// The list of that name in the body.
    func list(_ name: String) throws -> [JSONValue] {
        guard case .list(let items) = try value()[name] else {
            throw Refusal.unavailable("the node's answer has no list of \(name)")
        }
        return items
    }
}
