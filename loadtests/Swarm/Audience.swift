// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Who watches what: streams by their popularity, the first the most, as Zipf's law has it. With an exponent of 0 all are
/// alike, with 1 the second has half the viewers of the first.
public struct Audience: Hashable, Sendable {
    /// Each stream's share and those of all before it; the last is 1.
    private let shares: [Double]

    /// The audiences of `streams` streams, at least one.
    /// - Parameter exponent: 0 and up; what is measured of real audiences lies about 1.
    public init(streams: Int, exponent: Double) {
        precondition(streams > 0 && exponent >= 0, "\(streams) streams, exponent \(exponent)")
        let weights = (1...streams).map { pow(Double($0), -exponent) }
        let total = weights.reduce(0, +)
        var sum = 0.0
        shares = weights.map { weight in
            sum += weight / total
            return sum
        }
    }

    /// The number of a viewer's stream, from 0.
    public func stream(using random: inout some RandomNumberGenerator) -> Int {
        stream(at: Double.random(in: 0..<1, using: &random))
    }

    /// The stream in whose share a point of 0..<1 lies.
    func stream(at point: Double) -> Int {
        var (low, high) = (0, shares.count - 1)
        while low < high {
            let middle = (low + high) / 2
            if shares[middle] > point { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
