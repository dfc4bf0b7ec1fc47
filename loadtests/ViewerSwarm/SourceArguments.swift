// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Cluster

/// Where viewers look from.
struct SourceArguments: ParsableArguments {
    @Option(help: "The first address that viewers look from.")
    var from: String?

    @Option(help: "How many addresses they look from, from that one on.")
    var sources = 1

    func validate() throws {
        guard sources > 0 else { throw ValidationError("sources must be 1 or more") }
        guard sources == 1 || from != nil else { throw ValidationError("--sources needs --from") }
    }

    /// Empty for any.
    var addresses: [IPAddress] {
        get throws {
            guard let from else { return [] }
            guard case .v4(let first)? = IPAddress(parsing: from) else {
                throw ValidationError("\(from) is no address of IPv4")
            }
            return (0..<sources).map { .v4(first &+ UInt32(truncatingIfNeeded: $0)) }
        }
    }
}
