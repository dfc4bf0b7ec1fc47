// SPDX-License-Identifier: Apache-2.0

/// Which indices of one stream were seen: all but those of the last `words` × 64 count as seen (RFC 3711 §3.3.2).
struct ReplayWindow<let words: Int> {
    /// One above the highest index that was seen; 0 before the first.
    private(set) var next: UInt64 = 0
    private var bits = InlineArray<words, UInt64>(repeating: 0)

    /// Whether `index` was not seen and is not too old to know.
    func admits(_ index: UInt64) -> Bool {
        index >= next || (next - index <= Self.size && bits[word(index)] & bit(index) == 0)
    }

    /// `index`, which is admitted, is seen now.
    mutating func mark(_ index: UInt64) {
        if index >= next { advance(to: index) }
        bits[word(index)] |= bit(index)
    }

    private mutating func advance(to index: UInt64) {
        if index - next >= Self.size {
            bits = InlineArray(repeating: 0)
        } else {
            for passed in next...index { bits[word(passed)] &= ~bit(passed) }
        }
        next = index + 1
    }

    private func word(_ index: UInt64) -> Int { Int(truncatingIfNeeded: index >> 6) % words }
    private func bit(_ index: UInt64) -> UInt64 { 1 << (index & 63) }
    private static var size: UInt64 { UInt64(words) * 64 }
}

extension ReplayWindow {
    /// The index of 48 bits that a sequence number most likely stands for: the one next to the highest seen (RFC 3711
    /// §3.3.1). While that is in the first half of the first round, no round is before it, and the number is the index,
    /// which departs from the RFC's -1 and is what libsrtp does.
    func index(of sequence: UInt16) -> UInt64 {
        guard next > Self.half + 1 else { return UInt64(sequence) }
        let (rollovers, last) = ((next - 1) >> 16, (next - 1) & 0xFFFF)
        let guess = rollovers << 16 | UInt64(sequence)
        if last < Self.half { return UInt64(sequence) > last + Self.half ? guess - Self.round : guess }
        return UInt64(sequence) < last - Self.half ? guess + Self.round : guess
    }

    private static var half: UInt64 { 1 << 15 }
    private static var round: UInt64 { 1 << 16 }
}
