// SPDX-License-Identifier: Apache-2.0

import Bytes
import Media

extension WallTime {
    /// Reads civil time in the one spelling that `description` has, `2026-11-21T10:00:00.000Z`; nil for any other.
    init?(programDateTime text: ByteSlice) {
        let digits = text.enumerated().filter { Self.places.contains($0.offset) }.map {
            $0.element &- UInt8(ascii: "0")
        }
        guard text.count == 24, digits.allSatisfy({ $0 < 10 }) else { return nil }
        let numbers = digits.map(Int64.init)
        func number(_ range: Range<Int>) -> Int64 { numbers[range].reduce(0) { $0 * 10 + $1 } }
        let days = Self.days(year: number(0..<4), month: number(4..<6), day: number(6..<8))
        let seconds = number(8..<10) * 3600 + number(10..<12) * 60 + number(12..<14)
        self.init(milliseconds: (days * 86_400 + seconds) * 1000 + number(14..<17))
        guard description.utf8.elementsEqual(text) else { return nil }
    }

    /// Days since 1970-01-01 of a date of the proleptic Gregorian calendar, by eras of 400 years.
    private static func days(year: Int64, month: Int64, day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    /// Where the digits stand.
    private static let places: Set<Int> = Set([0..<4, 5..<7, 8..<10, 11..<13, 14..<16, 17..<19, 20..<23].joined())
}
