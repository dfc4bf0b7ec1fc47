// SPDX-License-Identifier: Apache-2.0

import Logging
import NIOPosix
import Synchronization
import Telemetry
import Transport

/// Takes the node's certificate anew where its files have changed.
package final class CertificateWatch: Sendable {
    private let contexts: TLSContexts
    private let reloads: Counter
    private let certificates: CertificateMetrics
    private let logger: Logger
    /// Why the files could not be used when last looked at.
    private let complaint = Mutex<String?>(nil)

    init(_ contexts: TLSContexts, reloads: Counter, certificates: CertificateMetrics, logger: Logger) {
        self.contexts = contexts
        self.reloads = reloads
        self.certificates = certificates
        self.logger = logger
    }

    /// Looks at the files every ten seconds, on a thread that may wait for a disk, until the task is cancelled.
    func keepFresh() async {
        while (try? await Task.sleep(for: .seconds(10))) != nil {
            try? await NIOThreadPool.singleton.runIfActive { self.reload() }
        }
    }

    /// Looks at the files now. Says once what is wrong with them, and again when that changes. Reads files: not for an
    /// event loop.
    package func reload() {
        do {
            let isFresh = try contexts.reload()
            complaint.withLock { $0 = nil }
            guard isFresh else { return }
            reloads.add()
            certificates.read("http")
            logger.notice("certificate reloaded")
        } catch {
            let text = "\(error)"
            let isNew = complaint.withLock { complaint in
                defer { complaint = text }
                return complaint != text
            }
            if isNew { logger.error("certificate can not be used", metadata: ["error": "\(text)"]) }
        }
    }
}
