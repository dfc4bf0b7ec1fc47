// SPDX-License-Identifier: Apache-2.0

import Cluster
import WebRTC

/// Whatever comes on the shared port is no message, or is dropped, or is answered by a message.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzSTUN(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    let kind = DatagramKind(of: bytes.span)
    guard let message = try? STUNMessage(parsing: bytes.span) else { return 0 }
    precondition(kind == .stun, "\(message) is \(kind)")
    guard let fragment = message.localFragment(in: bytes.span) else { return 0 }
    // The password is known to the corpus, so that what lies behind it is reached as well.
    let credentials = ICELocalCredentials(fragment: fragment, password: "VOkJxbRl1RmTxUk/WvJxBt")
    var session = ICESession(credentials: credentials, now: .zero)
    var directives: [ICESession.Directive] = []
    let path = ICEPath(remote: Endpoint(address: .v4(0xC000_0201), port: 5000))
    session.receive(message, in: bytes.span, on: path, now: .zero, into: &directives)
    for case .send(let answer, _) in directives {
        guard (try? STUNMessage(parsing: answer.span)) != nil else { preconditionFailure("\(answer)") }
    }
    return 0
}
