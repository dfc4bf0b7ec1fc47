// SPDX-License-Identifier: Apache-2.0

/// Why a parent does not serve a subscription, or no longer.
public enum RelayRefusal: UInt8, Error, Hashable, Sendable, CaseIterable {
    /// The node is about to leave.
    case draining = 1
    /// The node is one that the records would pass already.
    case loop = 2
    /// The stream is known, and this node is not to serve it.
    case notHere = 3
    /// The node has as many subscriptions as it may have.
    case overloaded = 4
    /// What the subscriber wants next has been let go before it took it. It may come back for what there is.
    case tooSlow = 5
    /// The records would pass too many nodes.
    case tooManyHops = 6
    /// Nobody publishes such a stream, as far as the node knows.
    case unknownStream = 7
    /// The subscriber knows of a higher term than the node.
    case wrongTerm = 8

    /// A stable label to count the refusal under.
    public var counterName: String {
        switch self {
        case .draining: "draining"
        case .loop: "loop"
        case .notHere: "not_here"
        case .overloaded: "overloaded"
        case .tooSlow: "too_slow"
        case .tooManyHops: "too_many_hops"
        case .unknownStream: "unknown_stream"
        case .wrongTerm: "wrong_term"
        }
    }
}
