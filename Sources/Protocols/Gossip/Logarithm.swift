// SPDX-License-Identifier: Apache-2.0

/// The one function of a mathematics library that gossip needs, in plain arithmetic: all nodes, on whatever machine,
/// compute the same ranking bit by bit.
enum Logarithm {
    /// The natural logarithm of a positive number, to 14 digits.
    static func natural(_ value: Double) -> Double {
        precondition(value > 0 && value.isFinite, "the logarithm of \(value)")
        var significand = value.significand
        var exponent = Double(value.exponent)
        if significand > 1.414_213_562_373_095 {
            significand /= 2
            exponent += 1
        }
        // ln s = 2 artanh((s − 1) / (s + 1)), whose series is short near 1.
        let ratio = (significand - 1) / (significand + 1)
        let square = ratio * ratio
        var sum = 0.0
        for divisor in stride(from: 19.0, through: 1, by: -2) { sum = sum * square + 1 / divisor }
        return exponent * 0.693_147_180_559_945_3 + 2 * ratio * sum
    }
}
