// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A time as HTTP writes it, RFC 9110 §5.6.7: `Sun, 06 Nov 1994 08:49:37 GMT`, always 29 bytes.
public struct HTTPDate: Sendable, Equatable, CustomStringConvertible {
    /// Seconds since 1970-01-01T00:00:00Z.
    public let seconds: Int64

    /// The time `seconds` after the beginning of 1970; negative ones are before.
    public init(seconds: Int64) { self.seconds = seconds }

    /// The time it is.
    public static var now: HTTPDate { HTTPDate(seconds: Int64(time(nil))) }

    /// The text.
    public var description: String {
        let day = (seconds - (seconds % 86_400 + 86_400) % 86_400) / 86_400
        let second = Int(seconds - day * 86_400)
        let (year, month, dayOfMonth) = Self.civil(day)
        let weekday = Self.weekdays[Int(((day + 4) % 7 + 7) % 7)]
        let clock = [second / 3600, second / 60 % 60, second % 60].map { Self.padded($0, 2) }.joined(separator: ":")
        return
            "\(weekday), \(Self.padded(dayOfMonth, 2)) \(Self.months[month - 1]) \(Self.padded(year, 4)) \(clock) GMT"
    }

    /// The proleptic Gregorian date of a day counted from 1970-01-01, by eras of 400 years from 0000-03-01.
    private static func civil(_ day: Int64) -> (year: Int, month: Int, day: Int) {
        let shifted = day + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let march = (5 * dayOfYear + 2) / 153
        let month = march < 10 ? march + 3 : march - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return (Int(year), Int(month), Int(dayOfYear - (153 * march + 2) / 5 + 1))
    }

    private static func padded(_ value: Int, _ width: Int) -> String {
        let digits = String(value)
        return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
    }

    private static let weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
}
