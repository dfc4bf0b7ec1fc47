// SPDX-License-Identifier: Apache-2.0

/// A value of an answer that is written as null where it is not known, rather than left out.
struct OrNull<Value: Encodable & Sendable>: Encodable, Sendable {
    let value: Value?

    init(_ value: Value?) { self.value = value }

    func encode(to encoder: any Encoder) throws {
        var place = encoder.singleValueContainer()
        if let value { try place.encode(value) } else { try place.encodeNil() }
    }
}
