// SPDX-License-Identifier: Apache-2.0

import APIClient
import Foundation

/// One request of the command line to a running node.
struct NodeQuestion {
    private let node: String
    private let request: APIRequest

    /// A request to the node that is called `node` in messages, with the caller's token or else that of MILLRACE_TOKEN.
    init(node: String, _ request: APIRequest, token: String? = nil) {
        self.node = node
        var request = request
        if let token = token ?? ProcessInfo.processInfo.environment["MILLRACE_TOKEN"], !token.isEmpty {
            request.headers.append((name: "Authorization", value: "Bearer \(token)"))
        }
        self.request = request
    }

    /// The node's answer; a refusal and silence end the command with a sentence.
    func answer() throws -> APIAnswer {
        let answer: APIAnswer
        do throws(APIFailure) { answer = try request.send() } catch { throw Refusal.unavailable(sentence(for: error)) }
        guard answer.status != 401, answer.status != 403 else {
            throw Refusal.unavailable("\(node) refused (\(answer.status)): set MILLRACE_TOKEN to a control token")
        }
        return answer
    }

    private func sentence(for failure: APIFailure) -> String {
        switch failure {
        case .badRequest: "\(node): the address or the token has characters that HTTP does not allow"
        case .cutOff: "\(node): the answer was cut off"
        case .noAnswer: "\(node): accepted the connection and did not answer in time"
        case .notHTTP: "\(node): does not answer in HTTP; is it https://?"
        case .notSecured: "\(node): does not speak TLS; is it http://?"
        case .tooLong: "\(node): the answer is longer than 16 MiB"
        case .unknownHost(let host): "no address is known for \(host)"
        case .unreachable(let address): "nothing listens at \(address): is `millrace serve` running there?"
        case .untrusted(let reason): "\(node): is not believed to be the node: \(reason); see --cacert"
        }
    }
}
