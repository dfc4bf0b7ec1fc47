// SPDX-License-Identifier: Apache-2.0

extension STUNMessage {
    /// The user name fragment before the colon of USERNAME: our own, by which a check finds its session. Nil where it is
    /// none of ours: they all have the same length. Costs no allocation.
    public func localFragment(in bytes: Span<UInt8>) -> ICEFragment? {
        guard let username, username.count > ICEFragment.length, username.upperBound <= bytes.count else { return nil }
        guard bytes[username.lowerBound + ICEFragment.length] == UInt8(ascii: ":") else { return nil }
        return ICEFragment(ascii: bytes.uint64(at: username.lowerBound))
    }

    /// USERNAME as text; for diagnosis and tests.
    public func username(in bytes: Span<UInt8>) -> String? {
        username.map { range in String(decoding: (range).map { bytes[$0] }, as: UTF8.self) }
    }
}
