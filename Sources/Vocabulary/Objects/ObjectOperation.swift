// SPDX-License-Identifier: Apache-2.0

/// One thing that is asked of a store. Each is a single request and may be asked again without harm.
public enum ObjectOperation: Hashable, Sendable {
    /// Write a whole object.
    case put(ObjectKey, ObjectContent, ObjectCondition)
    /// Read an object, or a range of it.
    case get(ObjectKey, range: ObjectRange?)
    /// The size and the version of an object.
    case head(ObjectKey)
    /// Up to `limit` objects, 1 to 1000, whose keys begin with `prefix`, in the order of their keys.
    case list(prefix: String, after: PageMark?, limit: Int)
    /// Remove an object; one that is not there counts as removed.
    case delete(ObjectKey)

    /// The word for it, in logs and metrics.
    public var name: String {
        switch self {
        case .put: "put"
        case .get: "get"
        case .head: "head"
        case .list: "list"
        case .delete: "delete"
        }
    }

    /// All words that ``name`` takes.
    public static let names = ["put", "get", "head", "list", "delete"]
}

/// Bytes of an object, counted from 0, both ends included (RFC 9110 §14.1.2).
public struct ObjectRange: Hashable, Sendable {
    /// The first byte.
    public let first: UInt64
    /// The last byte; nil for the object's.
    public let last: UInt64?

    /// From `first` to `last`, which is not before it.
    public init(first: UInt64, last: UInt64? = nil) {
        precondition(last.map { $0 >= first } ?? true, "a range ends before it begins")
        self.first = first
        self.last = last
    }

    /// As the header `Range` has it.
    public var header: String { "bytes=\(first)-\(last.map(String.init) ?? "")" }
}

/// Where the next page of a listing begins: the store's own word.
public struct PageMark: Hashable, Sendable {
    /// The word.
    public let text: String

    /// A mark of the store's word.
    public init(_ text: String) { self.text = text }
}
