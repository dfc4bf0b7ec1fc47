// SPDX-License-Identifier: Apache-2.0

/// What HTTP's grammar says of single bytes: RFC 9110 §5.6.2, §5.5, RFC 3986 §2 and §3.
extension UInt8 {
    /// A byte of a token: a method, a field name.
    var isToken: Bool { Self.classes[Int(self)] & 1 != 0 }

    /// A byte of a field value: visible, space, tab, or obs-text.
    var isFieldValue: Bool { Self.classes[Int(self)] & 2 != 0 }

    /// A byte that we take in a target. RFC 3986 has fewer; browsers send `|{}^` and the backquote in queries as they are.
    var isTarget: Bool { Self.classes[Int(self)] & 4 != 0 }

    /// A byte of a host with port.
    var isAuthority: Bool { Self.classes[Int(self)] & 8 != 0 }

    var isDigit: Bool { self >= UInt8(ascii: "0") && self <= UInt8(ascii: "9") }

    var isBlank: Bool { self == UInt8(ascii: " ") || self == UInt8(ascii: "\t") }

    /// The letter in lower case; only for letters and bytes compared with lower-case ASCII text.
    var lowercased: UInt8 { self >= UInt8(ascii: "A") && self <= UInt8(ascii: "Z") ? self | 0x20 : self }

    private static let classes: [UInt8] = (0...255).map { value in
        let byte = UInt8(value)
        let isAlphanumeric =
            byte.isDigit || (byte.lowercased >= UInt8(ascii: "a") && byte.lowercased <= UInt8(ascii: "z"))
        let isVisible = byte > 0x20 && byte < 0x7F
        var bits: UInt8 = isAlphanumeric || "!#$%&'*+-.^_`|~".utf8.contains(byte) ? 1 : 0
        if isVisible || byte.isBlank || byte >= 0x80 { bits |= 2 }
        if isVisible && !"#\"<>\\".utf8.contains(byte) { bits |= 4 }
        if isAlphanumeric || "-._~%!$&'()*+,;=:[]".utf8.contains(byte) { bits |= 8 }
        return bits
    }
}

extension Span<UInt8> {
    /// Whether the first `length` bytes are this text of lower-case ASCII.
    func equalsIgnoringCase(_ text: StaticString, upTo length: Int? = nil) -> Bool {
        let length = length ?? count
        guard length == text.utf8CodeUnitCount, length <= count else { return false }
        for index in 0..<length where self[index].lowercased != text.utf8Start[index] { return false }
        return true
    }

    /// Whether these are exactly the bytes of the text.
    func equals(_ text: StaticString) -> Bool {
        guard count == text.utf8CodeUnitCount else { return false }
        for index in 0..<count where self[index] != text.utf8Start[index] { return false }
        return true
    }

    /// Reads decimal digits from `index` on, which it leaves behind the last; too large a number becomes `Int.max`.
    func number(from index: inout Int) -> Int {
        var value = 0
        while index < count, self[index].isDigit {
            let (product, wide) = value.multipliedReportingOverflow(by: 10)
            let (sum, over) = product.addingReportingOverflow(Int(self[index] - UInt8(ascii: "0")))
            value = wide || over ? .max : sum
            index += 1
        }
        return value
    }

    /// Calls `body` with each element of a comma-separated list, blanks trimmed and empty elements left out: RFC 9110
    /// §5.6.1.
    func forEachElement(_ body: (Span<UInt8>) -> Void) {
        var start = 0
        while start <= count {
            var end = start
            while end < count, self[end] != UInt8(ascii: ",") { end += 1 }
            let element = trimmed(start..<end)
            if !element.isEmpty { body(extracting(element)) }
            start = end + 1
        }
    }

    /// The range without the blanks at its ends.
    func trimmed(_ range: Range<Int>) -> Range<Int> {
        var (start, end) = (range.lowerBound, range.upperBound)
        while start < end, self[start].isBlank { start += 1 }
        while start < end, self[end - 1].isBlank { end -= 1 }
        return start..<end
    }

    /// Where a byte first is in the range.
    func firstIndex(of byte: UInt8, in range: Range<Int>) -> Int? {
        for index in range where self[index] == byte { return index }
        return nil
    }
}
