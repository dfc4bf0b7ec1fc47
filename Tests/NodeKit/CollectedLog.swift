// SPDX-License-Identifier: Apache-2.0

package import Logging
import Synchronization

/// A log that is kept.
package struct CollectedLog: LogHandler {
    package var metadata: Logger.Metadata = [:]
    package var metadataProvider: Logger.MetadataProvider?
    package var logLevel = Logger.Level.trace
    private let lines = Lines()

    private final class Lines: Sendable {
        let all = Mutex<[String]>([])
    }

    /// An empty log.
    package init() {}

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        let facts = metadata.merging(event.metadata ?? [:]) { $1 }
        lines.all.withLock {
            $0.append("\(event.level) \(event.message) \(facts) \(event.error.map { "\($0)" } ?? "")")
        }
    }

    /// Every record so far, one a line.
    package var text: String { lines.all.withLock { $0.joined(separator: "\n") } }
}
