// SPDX-License-Identifier: Apache-2.0

/// Why an operation did not succeed.
public enum StoreFailure: Error, Hashable, Sendable {
    /// There is no object of that key.
    case notFound
    /// There is no bucket or container of that name.
    case noBucket
    /// What the write asked for was not so: there is an object, or it has another content.
    case conditionFailed
    /// The store knows us and says no; carries its word for it.
    case forbidden(String)
    /// The store does not believe the signature: wrong key or secret.
    case wrongCredentials(String)
    /// Our clock and the store's differ by more than it allows (S3 and Google: 15 minutes).
    case clockSkew
    /// There is no room left.
    case full
    /// The store asks for patience; carries how long, where it says so.
    case throttled(retryAfter: Duration?)
    /// The store failed; carries its status.
    case serverFailed(Int)
    /// No answer in time.
    case timedOut
    /// No connection, or it broke; carries the transport's word.
    case unreachable(String)
    /// The bytes are not those that were sent.
    case corrupted
    /// The answer is not what the store's protocol says; carries what is wrong.
    case malformed(String)
    /// The request was refused as wrong; carries the status and the store's word.
    case refused(Int, String)
    /// The answer is longer than was allowed.
    case tooLong
    /// Nobody waits for the answer any more.
    case cancelled

    /// Whether the same operation may succeed a moment later, with nobody's help.
    public var isPassing: Bool {
        switch self {
        case .throttled, .serverFailed, .timedOut, .unreachable, .corrupted, .malformed: true
        default: false
        }
    }

    /// The word for it, in logs and metrics.
    public var name: String {
        switch self {
        case .notFound: "not_found"
        case .noBucket: "no_bucket"
        case .conditionFailed: "condition_failed"
        case .forbidden: "forbidden"
        case .wrongCredentials: "wrong_credentials"
        case .clockSkew: "clock_skew"
        case .full: "full"
        case .throttled: "throttled"
        case .serverFailed: "server_failed"
        case .timedOut: "timed_out"
        case .unreachable: "unreachable"
        case .corrupted: "corrupted"
        case .malformed: "malformed"
        case .refused: "refused"
        case .tooLong: "too_long"
        case .cancelled: "cancelled"
        }
    }

    /// All words that ``name`` takes.
    public static let names = [
        "not_found", "no_bucket", "condition_failed", "forbidden", "wrong_credentials", "clock_skew", "full",
        "throttled", "server_failed", "timed_out", "unreachable", "corrupted", "malformed", "refused", "too_long",
        "cancelled",
    ]
}
