// SPDX-License-Identifier: Apache-2.0

public import Media

/// Civil time in the spellings of signatures, all in UTC, to the second.
extension WallTime {
    /// Seconds since 1970.
    public var seconds: Int64 { milliseconds / 1000 }

    /// ISO 8601 without punctuation: `20130524T000000Z`.
    public var basic: String { String(extended.filter { $0 != "-" && $0 != ":" }) }

    /// The day of ``basic``: `20130524`.
    public var day: String { String(basic.prefix(8)) }

    /// ISO 8601: `2013-05-24T00:00:00Z`.
    public var extended: String { description.prefix(19) + "Z" }

    /// RFC 9110 §5.6.7: `Fri, 24 May 2013 00:00:00 GMT`.
    public var httpDate: String {
        let text = Array(description)
        // The first of January 1970 was a Thursday.
        let weekday = Self.weekdays[Int(((seconds / 86_400 + 4) % 7 + 7) % 7)]
        let month = Self.months[(Int(String(text[5...6])) ?? 1) - 1]
        return "\(weekday), \(String(text[8...9])) \(month) \(String(text[0...3])) \(String(text[11...18])) GMT"
    }

    private static let weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
}
