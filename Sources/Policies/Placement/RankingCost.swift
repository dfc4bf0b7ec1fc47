// SPDX-License-Identifier: Apache-2.0

/// What it costs a ranking to choose a node: −ln(u) / weight, the lowest first, u being a number evenly spread between 0
/// and 1 that is made of the key and the node. It is the weighted rendezvous hashing of Schindelhauer and Schomaker
/// (2005), whose score is the inverse.
///
/// Nodes agree only if they compute the same bits, and the logarithms of C libraries differ in the last one. So this one
/// is its own: additions, multiplications and one division of IEEE 754, in one order, which Swift neither reorders nor
/// fuses.
package enum RankingCost {
    /// The cost of a node of weight 1 / `inverseWeight` for the random bits `mixed`.
    package static func cost(_ mixed: UInt64, inverseWeight: Double) -> Double {
        -logarithm(uniform(mixed)) * inverseWeight
    }

    /// A number that no cost of the same arguments is below, for a fifth of the time: −ln(u) is at least 1 − u, less a
    /// margin that no rounding reaches.
    package static func lowerBound(_ mixed: UInt64, inverseWeight: Double) -> Double {
        (1 - uniform(mixed)) * inverseWeight * margin
    }

    /// The upper 52 bits as the middle of one of 2^52 equal parts of the open interval from 0 to 1. With 53 bits, the
    /// half would be rounded away.
    private static func uniform(_ mixed: UInt64) -> Double { (Double(mixed >> 12) + 0.5) * 0x1p-52 }

    /// The natural logarithm of a normal positive number, within a few units of the last place.
    ///
    /// With x = m · 2^e and m between √½ and √2, ln x = e ln 2 + 2 artanh t, t = (m − 1) / (m + 1), whose series in odd
    /// powers of t is cut after the 17th, because |t| < 0.172.
    private static func logarithm(_ x: Double) -> Double {
        var exponent = Int64(x.bitPattern >> 52) - 1023
        var m = Double(bitPattern: x.bitPattern & 0x000F_FFFF_FFFF_FFFF | 0x3FF0_0000_0000_0000)
        if m > squareRootOfTwo {
            m *= 0.5
            exponent += 1
        }
        let t = (m - 1) / (m + 1)
        let s = t * t
        var sum = 1.0 / 17
        sum = sum * s + 1.0 / 15
        sum = sum * s + 1.0 / 13
        sum = sum * s + 1.0 / 11
        sum = sum * s + 1.0 / 9
        sum = sum * s + 1.0 / 7
        sum = sum * s + 1.0 / 5
        sum = sum * s + 1.0 / 3
        return Double(exponent) * logarithmOfTwo + 2 * (t + t * s * sum)
    }

    private static let squareRootOfTwo = 0x1.6a09e667f3bcdp0
    private static let logarithmOfTwo = 0x1.62e42fefa39efp-1
    private static let margin = 1 - 0x1p-40
}
