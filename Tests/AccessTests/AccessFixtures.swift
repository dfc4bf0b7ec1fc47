// SPDX-License-Identifier: Apache-2.0

import Access
import Identity
import Media

/// SplitMix64: the same numbers for the same seed, everywhere.
struct SeededRandom: RandomNumberGenerator {
    var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }
}

let noon = WallTime(milliseconds: 1_795_262_400_000)
let inAnHour = noon.advanced(by: .seconds(3600))

func secret(_ text: String = "a secret of the mill") throws -> AccessSecret {
    try AccessSecret(Array(text.utf8)[...])
}

func stream(_ text: String = "live/wheel") throws -> StreamID { try StreamID(parsing: text) }

/// The failure that `body` throws, or nil.
func failure(_ body: () throws(TokenFailure) -> Void) -> TokenFailure? {
    do {
        try body()
        return nil
    } catch {
        return error
    }
}
