// SPDX-License-Identifier: Apache-2.0

/// Reads the field lines of a request's head, and holds what only their sum can tell.
struct RequestFieldReader: Sendable {
    private var count = 0
    private var hosts = 0
    private var lengths = 0
    private var codings = 0
    private var ranges = 0
    private var hasBytes = false
    private var closes = false

    mutating func read(
        _ content: Range<Int>, in bytes: Span<UInt8>, into head: inout RequestHead
    ) throws(RequestRefusal) {
        count += 1
        guard count <= RequestHeadDecoder.maximumFields else { throw .tooManyFields }
        guard let colon = bytes.firstIndex(of: UInt8(ascii: ":"), in: content), colon > content.lowerBound else {
            throw .malformedField
        }
        for index in content.lowerBound..<colon where !bytes[index].isToken { throw .malformedField }
        for index in colon + 1..<content.upperBound where !bytes[index].isFieldValue { throw .malformedField }
        let value = bytes.trimmed(colon + 1..<content.upperBound)
        try take(
            bytes.extracting(content.lowerBound..<colon), bytes.extracting(value), at: value, into: &head
        )
    }

    /// What only the whole head can tell: one Host, one length.
    func finish(_ head: RequestHead) throws(RequestRefusal) -> RequestHead {
        guard hosts == 1 || (hosts == 0 && head.minorVersion == 0) else { throw .invalidHost }
        guard lengths + codings <= 1, codings == 0 || head.minorVersion == 1 else { throw .ambiguousLength }
        var head = head
        head.hasBody = codings > 0 || hasBytes
        return head
    }

    private mutating func take(
        _ name: Span<UInt8>, _ value: Span<UInt8>, at place: Range<Int>, into head: inout RequestHead
    ) throws(RequestRefusal) {
        switch name.count {
        case 4 where name.equalsIgnoringCase("host"): try takeHost(value)
        case 5 where name.equalsIgnoringCase("range"):
            ranges += 1
            head.range = ranges == 1 ? ByteRange(parsing: value) : nil
        case 6 where name.equalsIgnoringCase("origin"): head.origin = place
        case 6 where name.equalsIgnoringCase("expect"): head.hasExpectation = true
        case 8 where name.equalsIgnoringCase("if-range"): head.ifRange = place
        case 8 where name.equalsIgnoringCase("cdn-loop"):
            head.loop = (head.loop?.lowerBound ?? place.lowerBound)..<place.upperBound
        case 10 where name.equalsIgnoringCase("connection"): takeConnection(value, into: &head)
        case 10 where name.equalsIgnoringCase("user-agent"): head.userAgent = place
        case 11 where name.equalsIgnoringCase("traceparent"): head.traceParent = place
        case 13 where name.equalsIgnoringCase("if-none-match"): head.ifNoneMatch = place
        case 13 where name.equalsIgnoringCase("authorization"): head.authorization = place
        case 14 where name.equalsIgnoringCase("content-length"): try takeLength(value)
        case 15 where name.equalsIgnoringCase("accept-encoding"): head.acceptsGzip = AcceptEncoding.allowsGzip(value)
        case 15 where name.equalsIgnoringCase("x-forwarded-for"):
            head.forwardedFor = place
            head.isForwarded = true
        case 17 where name.equalsIgnoringCase("x-millrace-region"): head.region = place
        case 17 where name.equalsIgnoringCase("transfer-encoding"):
            guard value.equalsIgnoringCase("chunked") else { throw .unknownTransferCoding }
            codings += 1
        case 21 where name.equalsIgnoringCase("x-playback-session-id"): head.playbackSession = place
        default:
            if Self.speaksOfProxies(name) { head.isForwarded = true }
        }
    }

    private mutating func takeHost(_ value: Span<UInt8>) throws(RequestRefusal) {
        hosts += 1
        for index in 0..<value.count where !value[index].isAuthority { throw .invalidHost }
    }

    private mutating func takeLength(_ value: Span<UInt8>) throws(RequestRefusal) {
        lengths += 1
        var index = 0
        let length = value.number(from: &index)
        guard index > 0, index == value.count, length < .max else { throw .ambiguousLength }
        hasBytes = length > 0
    }

    /// `close` wins over `keep-alive`, wherever the two stand: RFC 9112 §9.3.
    private mutating func takeConnection(_ value: Span<UInt8>, into head: inout RequestHead) {
        var (closes, keeps) = (closes, false)
        value.forEachElement { element in
            if element.equalsIgnoringCase("close") { closes = true }
            if element.equalsIgnoringCase("keep-alive") { keeps = true }
        }
        self.closes = closes
        head.keepsAlive = !closes && (keeps || head.keepsAlive)
    }

    private static func speaksOfProxies(_ name: Span<UInt8>) -> Bool {
        name.equalsIgnoringCase("forwarded") || name.equalsIgnoringCase("x-real-ip")
            || name.equalsIgnoringCase("x-forwarded", upTo: min(11, name.count))
    }
}

/// What a viewer says of content codings, RFC 9110 §12.5.3.
enum AcceptEncoding {
    /// Whether `gzip` (or `x-gzip`, or `*` where gzip is not named) is there with a weight above 0.
    static func allowsGzip(_ value: Span<UInt8>) -> Bool {
        var (named, wildcard): (Bool?, Bool) = (nil, false)
        value.forEachElement { element in
            let end = element.firstIndex(of: UInt8(ascii: ";"), in: 0..<element.count) ?? element.count
            let coding = element.extracting(element.trimmed(0..<end))
            let weighs = hasWeight(element.extracting(end..<element.count))
            if coding.equalsIgnoringCase("gzip") || coding.equalsIgnoringCase("x-gzip") { named = weighs }
            if coding.equals("*") { wildcard = weighs }
        }
        return named ?? wildcard
    }

    /// Whether a parameter list is free of a weight of 0: `;q=0`, `; q=0.000`.
    private static func hasWeight(_ parameters: Span<UInt8>) -> Bool {
        guard let equals = parameters.firstIndex(of: UInt8(ascii: "="), in: 0..<parameters.count) else { return true }
        for index in equals + 1..<parameters.count {
            let byte = parameters[index]
            if byte.isDigit, byte != UInt8(ascii: "0") { return true }
        }
        return false
    }
}
