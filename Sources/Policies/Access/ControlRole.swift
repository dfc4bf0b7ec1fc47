// SPDX-License-Identifier: Apache-2.0

/// What the bearer of a control token may do. Each role may do all that the ones before it may.
public enum ControlRole: UInt8, Comparable, Sendable, CaseIterable, CustomStringConvertible {
    /// Reads: lists, viewers, node status. Called so because a viewer is somebody who watches.
    case reader = 1
    /// Acts on streams: makes publish tokens, cuts publishers.
    case `operator` = 2
    /// Acts on the node and on access: makes control tokens, drains.
    case admin = 3

    /// Parses the lower-case name; nil for anything else.
    public init?(parsing text: some StringProtocol) {
        guard let role = Self.allCases.first(where: { $0.description == text }) else { return nil }
        self = role
    }

    /// The lower-case name.
    public var description: String {
        switch self {
        case .reader: "reader"
        case .operator: "operator"
        case .admin: "admin"
        }
    }

    /// Orders by power.
    public static func < (left: ControlRole, right: ControlRole) -> Bool { left.rawValue < right.rawValue }
}
