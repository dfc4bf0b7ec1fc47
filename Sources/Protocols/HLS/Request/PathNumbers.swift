// SPDX-License-Identifier: Apache-2.0

import Bytes
import Identity

extension ByteSlice {
    /// A decimal number in its one spelling: digits only, no leading zero, at most 64 bits.
    var decimal: UInt64? {
        guard let first, count == 1 || first != UInt8(ascii: "0") else { return nil }
        return digits
    }

    /// A decimal-integer of a directive (RFC 8216bis §4.2): digits only, at most 64 bits.
    var digits: UInt64? {
        guard !isEmpty else { return nil }
        var value: UInt64 = 0
        for byte in self {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
            let (tens, isOver) = value.multipliedReportingOverflow(by: 10)
            let (sum, isOverToo) = tens.addingReportingOverflow(UInt64(byte - UInt8(ascii: "0")))
            if isOver || isOverToo { return nil }
            value = sum
        }
        return value
    }

    /// A hexadecimal number in its one spelling: lower case, no leading zero, at most 16 digits.
    var hexadecimal: UInt64? {
        guard let first, count <= 16, count == 1 || first != UInt8(ascii: "0") else { return nil }
        var value: UInt64 = 0
        for byte in self {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = value << 4 | UInt64(byte - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "f"): value = value << 4 | UInt64(byte - UInt8(ascii: "a") + 10)
            default: return nil
            }
        }
        return value
    }

    func hasSuffix(_ suffix: StaticString) -> Bool {
        count >= suffix.utf8CodeUnitCount && self.suffix(suffix.utf8CodeUnitCount).elementsEqual(suffix.bytes)
    }

    func hasPrefix(_ prefix: StaticString) -> Bool { starts(with: prefix.bytes) }
}

extension Term {
    /// Reads `{hex}-{hex}`; the same as `init(parsing:)`, without making text.
    init?(path component: ByteSlice) {
        guard let dash = component.firstIndex(of: UInt8(ascii: "-")),
            let number = component[..<dash].hexadecimal,
            let salt = component[(dash + 1)...].hexadecimal, salt <= UInt32.max
        else { return nil }
        self.init(number: number, salt: UInt32(truncatingIfNeeded: salt))
    }
}

extension StaticString {
    var bytes: UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(start: utf8Start, count: utf8CodeUnitCount) }
}
