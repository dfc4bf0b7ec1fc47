// SPDX-License-Identifier: Apache-2.0

public import Bytes

/// What came of an operation that succeeded.
public enum ObjectOutcome: Hashable, Sendable {
    /// The object is written; its version where the store tells it.
    case written(ObjectVersion?)
    /// The object's bytes, or those of the range that was asked for.
    case content(StoredContent)
    /// The object is there.
    case found(ObjectDescription)
    /// A page of a listing.
    case page(ObjectPage)
    /// The object is not there any more.
    case removed
}

/// Bytes out of a store.
public struct StoredContent: Hashable, Sendable {
    /// The bytes.
    public let bytes: [UInt8]
    /// Which content they are of.
    public let version: ObjectVersion?

    /// Bytes and the content they are of.
    public init(bytes: [UInt8], version: ObjectVersion?) {
        self.bytes = bytes
        self.version = version
    }
}

/// What a store says of an object without its bytes.
public struct ObjectDescription: Hashable, Sendable {
    /// How long it is.
    public let size: ByteCount
    /// Which content it has.
    public let version: ObjectVersion?

    /// A description.
    public init(size: ByteCount, version: ObjectVersion?) {
        self.size = size
        self.version = version
    }
}

/// A page of a listing.
public struct ObjectPage: Hashable, Sendable {
    /// The objects, in the order of their keys. What others put into the bucket under keys of other kinds is left out.
    public let objects: [ListedObject]
    /// Where the next page begins; nil on the last.
    public let next: PageMark?

    /// A page.
    public init(objects: [ListedObject], next: PageMark?) {
        self.objects = objects
        self.next = next
    }
}

/// An object of a listing.
public struct ListedObject: Hashable, Sendable {
    /// Its key.
    public let key: ObjectKey
    /// How long it is.
    public let size: ByteCount

    /// A listed object.
    public init(key: ObjectKey, size: ByteCount) {
        self.key = key
        self.size = size
    }
}
