// SPDX-License-Identifier: Apache-2.0

/// Which counters of one life of a sender were opened: the 1024 highest, as in RFC 4303 §3.4.3.
struct ReplayWindow {
    static let size: UInt64 = 1024
    private var highest: UInt64 = 0
    private var bits = InlineArray<16, UInt64>(repeating: 0)

    /// Whether `counter` comes for the first time; it does not do so again. One that is too old to be known does not.
    mutating func accept(_ counter: UInt64) -> Bool {
        guard counter > 0 else { return false }
        if counter > highest {
            advance(to: counter)
        } else if highest - counter >= Self.size || bits[word(counter)] & bit(counter) != 0 {
            return false
        }
        bits[word(counter)] |= bit(counter)
        return true
    }

    private mutating func advance(to counter: UInt64) {
        if counter - highest >= Self.size {
            bits = InlineArray(repeating: 0)
        } else {
            for passed in highest + 1...counter { bits[word(passed)] &= ~bit(passed) }
        }
        highest = counter
    }

    private func word(_ counter: UInt64) -> Int { Int(truncatingIfNeeded: counter >> 6 & 15) }
    private func bit(_ counter: UInt64) -> UInt64 { 1 << (counter & 63) }
}
