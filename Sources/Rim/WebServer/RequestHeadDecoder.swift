// SPDX-License-Identifier: Apache-2.0

/// Reads the head of an HTTP/1 request, strictly: what two readers could understand differently is refused.
///
/// It is given the same bytes again, and more of them, until it has the whole head; each line is looked at once. It
/// takes less than RFC 9112 lets a server take: no bare LF (§2.2), no folded line (§5.2), no blank before a colon
/// (§5.1), no length twice even if equal (§6.3), so that whoever stands before or behind us sees the same boundaries.
public struct RequestHeadDecoder: Sendable {
    /// The most field lines a head may have.
    public static let maximumFields = 100

    private let maximumLength: Int
    private var head = RequestHead()
    /// Where the line begins that is read next.
    private var line = 0
    /// Up to where no LF was found.
    private var scanned = 0
    private var sawFirstLine = false
    private var fields = RequestFieldReader()

    /// Begins a head of at most `maximumLength` bytes.
    public init(maximumLength: Int) { self.maximumLength = maximumLength }

    /// Reads on, and returns the head when its last line is there. `bytes` begins at the head each time.
    public mutating func decode(_ bytes: Span<UInt8>) throws(RequestRefusal) -> RequestHead? {
        while let end = bytes.firstIndex(of: UInt8(ascii: "\n"), in: scanned..<min(bytes.count, maximumLength)) {
            guard end > line, bytes[end - 1] == UInt8(ascii: "\r") else { throw .malformedLine }
            let content = line..<end - 1
            line = end + 1
            scanned = line
            if content.isEmpty, sawFirstLine {
                head.length = line
                return try fields.finish(head)
            }
            try read(content, in: bytes)
        }
        scanned = min(bytes.count, maximumLength)
        guard bytes.count < maximumLength else { throw sawFirstLine ? .headTooLarge : .targetTooLong }
        return nil
    }

    private mutating func read(_ content: Range<Int>, in bytes: Span<UInt8>) throws(RequestRefusal) {
        if sawFirstLine {
            try fields.read(content, in: bytes, into: &head)
        } else if content.isEmpty, content.lowerBound == 0 {
            return  // One empty line before a request is tolerated: RFC 9112 §2.2.
        } else {
            try readFirstLine(content, in: bytes)
            sawFirstLine = true
        }
    }

    private mutating func readFirstLine(_ content: Range<Int>, in bytes: Span<UInt8>) throws(RequestRefusal) {
        let space = UInt8(ascii: " ")
        guard let first = bytes.firstIndex(of: space, in: content),
            let second = bytes.firstIndex(of: space, in: first + 1..<content.upperBound),
            first > content.lowerBound, second > first + 1
        else { throw .malformedLine }
        for index in content.lowerBound..<first where !bytes[index].isToken { throw .malformedLine }
        try readVersion(bytes.extracting(second + 1..<content.upperBound))
        let method = bytes.extracting(content.lowerBound..<first)
        head.method = Self.method(method)
        try readTarget(first + 1..<second, in: bytes, isConnect: method.equals("CONNECT"))
    }

    private mutating func readVersion(_ version: Span<UInt8>) throws(RequestRefusal) {
        guard version.count == 8, version.extracting(first: 5).equals("HTTP/"), version[5].isDigit,
            version[6] == UInt8(ascii: "."), version[7].isDigit
        else { throw .malformedLine }
        guard version[5] == UInt8(ascii: "1"), version[7] <= UInt8(ascii: "1") else { throw .unsupportedVersion }
        head.minorVersion = Int(version[7] - UInt8(ascii: "0"))
        head.keepsAlive = head.minorVersion == 1
    }

    private mutating func readTarget(
        _ target: Range<Int>, in bytes: Span<UInt8>, isConnect: Bool
    ) throws(RequestRefusal) {
        for index in target where !bytes[index].isTarget { throw .forbiddenTarget }
        head.target = target
        let text = bytes.extracting(target)
        if isConnect {
            head.form = .authority
            for index in target where !bytes[index].isAuthority { throw .forbiddenTarget }
        } else if text[0] == UInt8(ascii: "/") {
            head.form = .origin
        } else if text.equals("*"), head.method == .options {
            head.form = .asterisk
        } else {
            try readAbsoluteTarget(target, in: bytes)
        }
    }

    private mutating func readAbsoluteTarget(_ target: Range<Int>, in bytes: Span<UInt8>) throws(RequestRefusal) {
        let text = bytes.extracting(target)
        let scheme =
            text.equalsIgnoringCase("http://", upTo: 7) ? 7 : text.equalsIgnoringCase("https://", upTo: 8) ? 8 : 0
        guard scheme > 0 else { throw .forbiddenTarget }
        let authority = target.lowerBound + scheme
        var end = authority
        while end < target.upperBound, bytes[end] != UInt8(ascii: "/"), bytes[end] != UInt8(ascii: "?") {
            guard bytes[end].isAuthority else { throw .forbiddenTarget }
            end += 1
        }
        guard end > authority, end == target.upperBound || bytes[end] == UInt8(ascii: "/") else {
            throw .forbiddenTarget
        }
        head.form = .absolute
        head.target = end..<target.upperBound
    }

    private static func method(_ method: Span<UInt8>) -> RequestHead.Method {
        if method.equals("GET") { return .get }
        if method.equals("HEAD") { return .head }
        return method.equals("OPTIONS") ? .options : .other
    }
}
