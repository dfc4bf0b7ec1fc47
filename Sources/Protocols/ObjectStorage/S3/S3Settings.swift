// SPDX-License-Identifier: Apache-2.0

/// Where a bucket is that speaks S3, and how it is signed to.
public struct S3Settings: Hashable, Sendable {
    /// Scheme, host and port, without a slash behind it: `https://s3.eu-central-1.amazonaws.com`.
    public var endpoint: String
    /// The bucket.
    public var bucket: String
    /// How the bucket is named in a URL.
    public var addressing: BucketAddressing = .path
    /// Whose signature.
    public var scheme: SigningScheme
    /// What temporary credentials come with.
    public var sessionToken: String?
    /// Whether bodies are hashed into the signature; without, they rely on TLS and on the checksum header.
    public var signsPayloads = true

    /// A bucket at an endpoint.
    public init(endpoint: String, bucket: String, scheme: SigningScheme) {
        self.endpoint = endpoint
        self.bucket = bucket
        self.scheme = scheme
    }
}

/// How a bucket is named in a URL.
public enum BucketAddressing: Hashable, Sendable {
    /// `https://host/bucket/key`: MinIO, Ceph, SeaweedFS, and all that have one name for all buckets.
    case path
    /// `https://bucket.host/key`: Amazon's own.
    case host
}
