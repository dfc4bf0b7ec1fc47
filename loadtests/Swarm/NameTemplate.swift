// SPDX-License-Identifier: Apache-2.0

/// A text in which `{n}` stands for a stream's number, 1 and up.
public struct NameTemplate: Hashable, Sendable {
    private let text: String

    /// A template; one without `{n}` gives every stream the same name.
    public init(_ text: String) { self.text = text }

    /// Whether names differ.
    public var isNumbered: Bool { text.contains(Self.mark) }

    /// The name of stream `number`.
    public func callAsFunction(_ number: Int) -> String {
        text.split(separator: Self.mark, omittingEmptySubsequences: false).joined(separator: String(number))
    }

    private static let mark = "{n}"
}
