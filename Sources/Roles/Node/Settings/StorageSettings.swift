// SPDX-License-Identifier: Apache-2.0

public import Bytes

/// `storage.…`: the object store that streams are recorded in.
public struct StorageSettings: Sendable, Equatable {
    /// What kinds of store there are.
    public enum Kind: String, Sendable, CaseIterable {
        case none
        case file
        case s3
        case gcs
        case azure
    }

    /// How a bucket of S3 is named in a URL.
    public enum Addressing: String, Sendable, CaseIterable {
        case path
        case host
    }

    /// What kind of store it is.
    public var kind = Kind.none
    /// The folder of a store of files.
    public var path: String?
    /// Scheme, host and port of the service; nil for the provider's own.
    public var endpoint: String?
    /// The bucket or container.
    public var bucket: String?
    /// The region that requests to S3 are signed for.
    public var region = "us-east-1"
    /// How a bucket of S3 is named in a URL.
    public var addressing = Addressing.path
    /// The access key of S3, or the account of Azure.
    public var account: String?
    /// What goes with it: S3's secret key, Azure's key or a shared access signature.
    public var secret: SecretText?
    /// What temporary credentials of S3 come with.
    public var sessionToken: SecretText?
    /// A file that holds all three, or Google's service account.
    public var credentials: String?
    /// The longest that one request may take.
    public var timeout = Duration.seconds(4)
    /// Uploads of one stream at a time.
    public var concurrency = 4
    /// What a stream's waiting segments may take of memory.
    public var memory = ByteCount.mebibytes(64)
    /// The folder of segments that wait on the disk; nil for none.
    public var spill: String?
    /// What a stream's waiting segments may take of the disk.
    public var spillLimit = ByteCount.mebibytes(1024)
    /// Whether parts are in the store, too, while they are of use at the live edge.
    public var parts = false
    /// The apps whose streams are recorded.
    public var record = ["*"]
    /// How long recordings are kept, as `app=time`.
    public var retention: [String] = []
    /// How long after a loss of all nodes a stream goes on with its recording.
    public var resume = Duration.seconds(600)
    /// The longest recording.
    public var longest = Duration.seconds(43_200)

    /// The defaults.
    public init() {}

    /// What is wrong, each as a sentence.
    var contradictions: [String] {
        var found: [String] = []
        switch kind {
        case .none:
            if path != nil || bucket != nil { found.append("storage.path and storage.bucket need storage.kind") }
        case .file: if path == nil { found.append("storage.kind file needs storage.path") }
        case .azure, .gcs, .s3: if bucket == nil { found.append("storage.kind \(kind) needs storage.bucket") }
        }
        switch kind {
        case .file, .none: break
        case .gcs: if credentials == nil, account == nil { found.append("storage.kind gcs needs storage.credentials") }
        case .azure, .s3:
            if credentials == nil, account == nil || secret == nil {
                found.append("storage.kind \(kind) needs storage.account and storage.secret, or storage.credentials")
            }
        }
        if kind == .azure, account == nil { found.append("storage.kind azure needs storage.account") }
        if let spill, spill == path { found.append("storage.spill is another folder than storage.path") }
        if parts, concurrency < 2 {
            found.append("storage.parts needs storage.concurrency 2 or more, as segments would wait for parts")
        }
        if credentials != nil, secret != nil {
            found.append("storage.credentials and storage.secret exclude each other")
        }
        return found
    }

    /// The app and the time of an entry of `retention`.
    static func keeping(_ entry: String) -> (app: String, time: Duration)? {
        let parts = entry.split(separator: "=", maxSplits: 1)
        guard parts.count == 2, let time = Duration(settingText: String(parts[1])), time >= .seconds(1) else {
            return nil
        }
        return (String(parts[0]), time)
    }
}
