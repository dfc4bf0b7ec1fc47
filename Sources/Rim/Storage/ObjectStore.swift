// SPDX-License-Identifier: Apache-2.0

public import Objects

/// A place that keeps objects: a bucket, a container, a folder.
public protocol ObjectStore: Sendable {
    /// Does one operation. It is tried again where trying may help, until it succeeds or a limit of the store's settings is
    /// reached.
    func perform(_ operation: ObjectOperation) async throws(StoreFailure) -> ObjectOutcome
}

extension ObjectStore {
    /// Writes an object; its new version where the store tells it.
    /// - Throws: ``StoreFailure/conditionFailed`` where the condition does not hold.
    @discardableResult
    public func put(
        _ key: ObjectKey, _ content: ObjectContent, if condition: ObjectCondition = .none
    ) async throws(StoreFailure) -> ObjectVersion? {
        guard case .written(let version) = try await perform(.put(key, content, condition)) else {
            preconditionFailure("another outcome of a put")
        }
        return version
    }

    /// Writes an object under a name that never has two contents: one that is there already is the same.
    public func putImmutable(_ key: ObjectKey, _ content: ObjectContent) async throws(StoreFailure) {
        do {
            try await put(key, content, if: .absent)
        } catch .conditionFailed {
            return
        }
    }

    /// Reads an object, or a range of it.
    public func get(_ key: ObjectKey, range: ObjectRange? = nil) async throws(StoreFailure) -> StoredContent {
        guard case .content(let content) = try await perform(.get(key, range: range)) else {
            preconditionFailure("another outcome of a get")
        }
        return content
    }

    /// The size and the version of an object.
    public func head(_ key: ObjectKey) async throws(StoreFailure) -> ObjectDescription {
        guard case .found(let description) = try await perform(.head(key)) else {
            preconditionFailure("another outcome of a head")
        }
        return description
    }

    /// A page of the objects whose keys begin with `prefix`, in the order of their keys.
    public func list(
        prefix: String, after mark: PageMark? = nil, limit: Int = 1000
    ) async throws(StoreFailure) -> ObjectPage {
        guard case .page(let page) = try await perform(.list(prefix: prefix, after: mark, limit: limit)) else {
            preconditionFailure("another outcome of a list")
        }
        return page
    }

    /// Removes an object; one that is not there counts as removed.
    public func delete(_ key: ObjectKey) async throws(StoreFailure) { _ = try await perform(.delete(key)) }
}
