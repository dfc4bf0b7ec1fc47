// SPDX-License-Identifier: Apache-2.0

/// Why a check is dropped without an answer.
public enum ICERefusal: String, Error, Hashable, Sendable, CaseIterable {
    /// MESSAGE-INTEGRITY is missing or not made with the password.
    case badIntegrity = "bad_integrity"
    /// The session is over.
    case expired
    /// An answer or an indication: a lite agent asks nothing.
    case noRequest = "no_request"
    /// The check was seen before, from elsewhere.
    case replay
    /// No session has the fragment.
    case unknownFragment = "unknown_fragment"

    /// A stable label to count the refusal under.
    public var counterName: String { rawValue }
}

/// Why a session ends.
public enum ICEExpiry: String, Hashable, Sendable, CaseIterable {
    /// No sign of life for the time of consent.
    case consent
    /// Not one valid check came.
    case neverChecked = "never_checked"
    /// Checks came, but no path was nominated.
    case neverNominated = "never_nominated"

    /// A stable label to count the end under.
    public var counterName: String { rawValue }
}
