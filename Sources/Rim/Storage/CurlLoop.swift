// SPDX-License-Identifier: Apache-2.0

import CCurl
import Glibc
import Objects
import Synchronization

/// The thread of an ``OutboundClient``: takes transfers out of an inbox and runs them until they end.
///
/// SAFETY: `multi` and `running` are used by the thread alone. Others use the inbox, which has a lock, and
/// `curl_multi_wakeup`, which may be called from any thread; the handle lives until the object does, which others hold
/// while they call.
final class CurlLoop: @unchecked Sendable {
    private let settings: OutboundSettings
    private let multi: OpaquePointer
    private var running: [UnsafeMutableRawPointer: CurlTransfer] = [:]
    private let inbox = Mutex(Inbox())

    private struct Inbox {
        var added: [CurlTransfer] = []
        var cancelled: [CurlTransfer] = []
        var isClosed = false
    }

    init(_ settings: OutboundSettings) {
        precondition(Self.library == CURLE_OK, "libcurl does not start")
        guard let multi = curl_multi_init() else { preconditionFailure("no memory for libcurl") }
        self.settings = settings
        self.multi = OpaquePointer(multi)
        millrace_curl_multi_set_long(multi, CURLMOPT_MAX_HOST_CONNECTIONS, settings.connectionsPerHost)
        millrace_curl_multi_set_long(multi, CURLMOPT_MAXCONNECTS, settings.idleConnections)
    }

    deinit { curl_multi_cleanup(handle) }

    /// Hands a transfer to the thread.
    func add(_ transfer: CurlTransfer) {
        let isClosed = inbox.withLock { inbox in
            if !inbox.isClosed { inbox.added.append(transfer) }
            return inbox.isClosed
        }
        if isClosed { transfer.end(.failure(.cancelled)) } else { curl_multi_wakeup(handle) }
    }

    /// Gives a transfer up, also one that has not come to the thread yet.
    func cancel(_ transfer: CurlTransfer) {
        inbox.withLock { $0.cancelled.append(transfer) }
        curl_multi_wakeup(handle)
    }

    /// Lets the thread end.
    func close() {
        inbox.withLock { $0.isClosed = true }
        curl_multi_wakeup(handle)
    }

    /// The thread.
    func run() {
        var signals = sigset_t()
        sigfillset(&signals)
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        while takeInbox() {
            var left: Int32 = 0
            curl_multi_perform(handle, &left)
            endFinished()
            curl_multi_poll(handle, nil, 0, Self.longestWait, nil)
        }
        for (easy, transfer) in running { finish(easy, transfer, .failure(.cancelled)) }
    }

    /// Begins what was added and ends what was cancelled; false when the loop is closed.
    private func takeInbox() -> Bool {
        let taken = inbox.withLock { inbox in
            defer {
                inbox.added = []
                inbox.cancelled = []
            }
            return inbox
        }
        for transfer in taken.added { begin(transfer) }
        for transfer in taken.cancelled {
            transfer.isCancelled = true
            if let easy = running.first(where: { $0.value === transfer })?.key {
                finish(easy, transfer, .failure(.cancelled))
            }
        }
        return !taken.isClosed
    }

    private func begin(_ transfer: CurlTransfer) {
        guard !transfer.isCancelled else { return transfer.end(.failure(.cancelled)) }
        guard let easy = curl_easy_init() else { preconditionFailure("no memory for libcurl") }
        transfer.setUp(easy, settings)
        running[easy] = transfer
        curl_multi_add_handle(handle, easy)
    }

    private func endFinished() {
        var code = CURLE_OK
        while let easy = millrace_curl_multi_finished(handle, &code) {
            guard let transfer = running[easy] else { preconditionFailure("a transfer that nobody began") }
            finish(easy, transfer, transfer.result(code, status: millrace_curl_status(easy)))
        }
    }

    private func finish(
        _ easy: UnsafeMutableRawPointer, _ transfer: CurlTransfer, _ result: Result<OutboundAnswer, StoreFailure>
    ) {
        curl_multi_remove_handle(handle, easy)
        curl_easy_cleanup(easy)
        running[easy] = nil
        transfer.tearDown()
        transfer.end(result)
    }

    private var handle: UnsafeMutableRawPointer { UnsafeMutableRawPointer(multi) }

    /// libcurl itself shortens the wait to its next timer; this is only how long nothing may happen at all.
    private static let longestWait: Int32 = 10_000
    private static let library = curl_global_init(Int(CURL_GLOBAL_DEFAULT))
}
