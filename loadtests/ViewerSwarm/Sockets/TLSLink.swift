// SPDX-License-Identifier: Apache-2.0

import COpenSSL
import Cluster

/// What TLS connections of a thread have in common. No certificate is looked at: who measures a server knows it.
final class TLSContext {
    fileprivate let pointer: OpaquePointer

    init() {
        guard let pointer = millrace_tls_client() else { preconditionFailure("no memory for a TLS context") }
        self.pointer = pointer
        // A viewer that waits holds no buffers, and what is not sent yet may move in memory meanwhile.
        let modes = SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER
        SSL_CTX_ctrl(pointer, SSL_CTRL_MODE, Int(modes), nil)
        // RFC 7301 §3.1: a length, and the name of HTTP/1.1.
        let protocols: [UInt8] = [8] + Array("http/1.1".utf8)
        SSL_CTX_set_alpn_protos(pointer, protocols, UInt32(protocols.count))
    }

    deinit { SSL_CTX_free(pointer) }
}

/// TLS as a client over a connected socket that does not block, which stays its owner's.
final class TLSLink {
    private let session: OpaquePointer

    /// What came of a step.
    enum Outcome {
        /// It was taken; how many bytes were.
        case done(Int)
        /// The other end has closed, or is none of TLS.
        case ended
        /// The socket must have something to read before, or room to write.
        case waits(forRoom: Bool)
    }

    /// - Parameter host: whom the other end is asked for, where that is a name (RFC 6066 §3).
    init(_ context: TLSContext, over socket: Int32, to host: String) {
        guard let session = SSL_new(context.pointer) else { preconditionFailure("no memory for a TLS session") }
        self.session = session
        if IPAddress(parsing: host) == nil { millrace_tls_name(session, host) }
        SSL_set_fd(session, socket)
        SSL_set_connect_state(session)
    }

    deinit { SSL_free(session) }

    func shakeHands() -> Outcome { step { SSL_do_handshake(session) } }

    func read(into buffer: UnsafeMutableRawBufferPointer) -> Outcome {
        step { SSL_read(session, buffer.baseAddress, Int32(clamping: buffer.count)) }
    }

    /// - Returns: how many bytes were taken; 0 where none can be for now. What is read next says where none ever will.
    func write(_ bytes: UnsafeRawBufferPointer) -> Int {
        guard case .done(let count) = step({ SSL_write(session, bytes.baseAddress, Int32(clamping: bytes.count)) })
        else { return 0 }
        return count
    }

    private func step(_ call: () -> Int32) -> Outcome {
        // An error that another connection left would be taken for this one's.
        ERR_clear_error()
        let result = call()
        guard result <= 0 else { return .done(Int(result)) }
        return switch SSL_get_error(session, result) {
        case SSL_ERROR_WANT_READ: .waits(forRoom: false)
        case SSL_ERROR_WANT_WRITE: .waits(forRoom: true)
        default: .ended
        }
    }
}
