// SPDX-License-Identifier: Apache-2.0

public import NIOCore

/// A whole answer: a head, and a body in as many buffers as it has parts. Made once, sent to as many as ask; sending
/// copies nothing but bodies of up to 2 KiB, for which one write is cheaper than two.
public struct MediaAnswer: Sendable {
    /// The head.
    public let head: AnswerHead
    /// The body, in order.
    public let body: [ByteBuffer]
    /// The length of the body in bytes.
    public let length: Int

    /// Puts an answer together. The body is that of a GET of the whole: HEAD, ranges (for status 200) and conditional
    /// requests (for heads with an entity tag) are worked out when it is sent.
    public init(_ head: AnswerHead, body: [ByteBuffer] = []) {
        self.head = head
        self.body = body
        length = body.reduce(0) { $0 + $1.readableBytes }
    }
}

/// What of an answer a request gets: the part of the work that is the same in HTTP/1 and HTTP/2.
struct RequestConditions {
    var isHead = false
    var range: ByteRange?
    var ifNoneMatch: ByteBuffer?
    var ifRange: ByteBuffer?

    enum Outcome: Equatable {
        /// As it is, with this much of the body.
        case whole
        /// 206 with this much of the body.
        case partial(Range<Int>)
        /// 304.
        case notModified
        /// 416.
        case unsatisfiable
    }

    /// Decides in the order of RFC 9110 §13.2.2.
    func outcome(for answer: MediaAnswer) -> Outcome {
        guard answer.head.status == 200 else { return .whole }
        if let etag = answer.head.etag, let ifNoneMatch, EntityTags.match(etag, in: ifNoneMatch) { return .notModified }
        guard let range, !isHead, mayBePartial(answer.head.etag) else { return .whole }
        guard let resolved = range.resolved(in: answer.length) else { return .unsatisfiable }
        return .partial(resolved)
    }

    /// If-Range asks for the part only of the very same body; a date there never matches, as we send none.
    private func mayBePartial(_ etag: String?) -> Bool {
        guard let ifRange else { return true }
        guard let etag, !etag.hasPrefix("W/") else { return false }
        return ifRange.readableBytesView.elementsEqual(etag.utf8)
    }
}

/// Entity tags in a request's field, RFC 9110 §8.8.3 and §13.1.2.
enum EntityTags {
    /// Whether a list names the tag, or is `*`; compared weakly.
    static func match(_ etag: String, in list: ByteBuffer) -> Bool {
        let bytes = list.readableBytesUInt8Span
        guard !bytes.equals("*") else { return true }
        let opaque = Array((etag.hasPrefix("W/") ? etag.dropFirst(2) : etag[...]).utf8)
        var found = false
        bytes.forEachElement { element in
            let start = element.count > 2 && element.extracting(first: 2).equals("W/") ? 2 : 0
            found = found || Self.equal(element.extracting(start..<element.count), opaque)
        }
        return found
    }

    private static func equal(_ span: Span<UInt8>, _ bytes: [UInt8]) -> Bool {
        guard span.count == bytes.count else { return false }
        for index in bytes.indices where span[index] != bytes[index] { return false }
        return true
    }
}
