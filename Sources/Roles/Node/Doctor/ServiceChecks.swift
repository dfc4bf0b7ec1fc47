// SPDX-License-Identifier: Apache-2.0

package import Media
package import Objects
package import SharedState

/// What must be around a node, each check a function of what was read.
package enum ServiceChecks {
    /// A certificate and its key.
    /// - Parameter setting: the setting of the certificate.
    package static func certificate(_ setting: String, _ reading: CertificateReading, now: WallTime) -> Finding {
        let stem = setting.dropLast("certificate".count)
        func finding(_ verdict: Finding.Verdict, _ found: String, _ mend: String) -> Finding {
            Finding(
                setting, verdict, found: found,
                needed: "a chain that is in force for a fortnight and more, of the names in use, with its key",
                mend: mend)
        }
        let renew = "certbot renew, and see docs/operations/certificates.md"
        switch reading.state {
        case .unreadable(let path):
            return finding(
                .fail, "\(path) can not be read", "chown millrace: \(path), or set \(stem)* to what is there")
        case .empty(let path): return finding(.fail, "\(path) has no certificate", "\(setting): the full chain in PEM")
        case .wrongKey:
            return finding(.fail, "the key is another certificate's", "\(stem)key: the key that it was made for")
        case .broken:
            return finding(.fail, "the chain is not in order", "\(setting): fullchain.pem, the node's own first")
        case .stranger:
            return finding(.fail, "not signed by relay.tls.authority", "sign it by that authority, as all nodes are")
        case .right: break
        }
        if reading.begins > now { return finding(.fail, "begins only at \(reading.begins)", "see the clock") }
        if reading.ends <= now { return finding(.fail, "ended at \(reading.ends)", renew) }
        if reading.ends < now.advanced(by: fortnight) { return finding(.warn, "ends at \(reading.ends)", renew) }
        guard reading.missing.isEmpty else {
            let names = reading.missing.joined(separator: " and ")
            return finding(.warn, "does not bear \(names)", "a certificate of \(names), or another node.viewer_url")
        }
        return finding(.ok, "good until \(reading.ends)", "")
    }

    /// What Redis answered.
    package static func redis(_ answer: Result<String, RedisFailure>) -> Finding {
        let needed = "a master that lets the node in, to arbitrate between origins"
        switch answer {
        case .success("master"): return Finding("redis", .ok, found: "a master answers", needed: needed, mend: "")
        case .success(let role):
            return Finding(
                "redis", .fail, found: "a \(role) answers", needed: needed,
                mend: "redis.sentinels, who know the master, or its address in redis.url")
        case .failure(.refused(let words)):
            return Finding(
                "redis", .fail, found: words, needed: needed,
                mend: "redis.username and redis.password as infra/redis/make-users has them")
        case .failure(let failure):
            return Finding(
                "redis", .fail, found: "\(failure)", needed: needed,
                mend: "systemctl start redis-server, and the way to it")
        }
    }

    /// What became of an object that was written, read and removed.
    package static func store(_ outcome: StoreOutcome, _ settings: StorageSettings) -> Finding {
        let needed =
            "writing, reading, removing, and a refusal of what is there already, which keeps a stale origin out"
        func finding(_ verdict: Finding.Verdict, _ found: String, _ mend: String = "") -> Finding {
            Finding("storage.kind \(settings.kind.rawValue)", verdict, found: found, needed: needed, mend: mend)
        }
        switch outcome {
        case .works: return finding(.ok, "does all of it")
        case .overwrites:
            return finding(.fail, "writes over what is there, against If-None-Match", "a store that honours conditions")
        case .unsettled(let words): return finding(.fail, words, "see storage.… in millrace.yml")
        case .failed(let step, let failure):
            return finding(.fail, "\(step): \(failure.name)", mend(failure, settings))
        }
    }

    /// A seed, by how many addresses it stands for and at how many of them somebody answers.
    package static func seed(_ text: String, addresses: Int, answering: Int) -> Finding {
        let found = addresses == 0 ? "no address" : "\(answering) of \(addresses) addresses answer"
        return Finding(
            "seed \(text)", addresses == 0 ? .fail : answering == 0 ? .warn : .ok, found: found,
            needed: "a member that answers at its gossip.port by TCP; the first node of a cluster alone has none",
            mend: addresses == 0
                ? "another cluster.seeds, or an entry for it in DNS"
                : "start a node there, or open gossip.port, TCP and UDP, on the way to it")
    }

    private static func mend(_ failure: StoreFailure, _ settings: StorageSettings) -> String {
        switch failure {
        case .wrongCredentials: "storage.account and storage.secret, or storage.credentials, as the store gave them"
        case .forbidden: "the right to list, get, put and delete in \(settings.bucket ?? "the bucket")"
        case .noBucket: "aws s3 mb s3://\(settings.bucket ?? "BUCKET"), or another storage.bucket"
        case .clockSkew: "apt-get install chrony"
        case .full: "df -h, and make room; or shorter storage.retention"
        case .unreachable, .timedOut:
            "curl -v \(settings.endpoint ?? settings.path ?? "the store") from this machine must answer"
        default: "see docs/operations/storage.md"
        }
    }

    private static let fortnight = Duration.seconds(14 * 86_400)
}

/// What was read of a certificate.
package struct CertificateReading: Sendable {
    /// Whether its files fit together.
    package enum State: Sendable, Equatable {
        case right
        /// This file can not be read.
        case unreadable(String)
        /// This file has no certificate in it.
        case empty(String)
        /// The key belongs to another.
        case wrongKey
        /// One is not signed by the next.
        case broken
        /// The authority of nodes did not sign it.
        case stranger
    }

    /// Whether its files fit together; what follows counts where they do.
    package var state: State
    /// From when on it is in force.
    package var begins = WallTime(milliseconds: 0)
    /// Until when it is.
    package var ends = WallTime(milliseconds: 0)
    /// Names in use that it does not bear.
    package var missing: [String] = []

    /// A reading of its parts.
    package init(_ state: State) { self.state = state }
}

/// What became of an object that was written, read and removed.
package enum StoreOutcome: Sendable {
    /// All went as it should.
    case works
    /// What was there was written over.
    case overwrites
    /// The settings of the store can not be used; carries why.
    case unsettled(String)
    /// A step did not succeed.
    case failed(String, StoreFailure)
}
