// SPDX-License-Identifier: Apache-2.0

/// Why a request was refused before anyone looked at what it asks for. The connection is closed after the answer.
public enum RequestRefusal: Error, Sendable, Hashable, CaseIterable {
    /// Both or several lengths, a length that is no number, or a transfer coding beside one: RFC 9112 §6.3.
    case ambiguousLength
    /// A target that is not of the forms of RFC 9112 §3.2, or bears bytes that no target may have.
    case forbiddenTarget
    /// The head is longer than `WebSettings.maximumHead`.
    case headTooLarge
    /// Not exactly one valid Host field in HTTP/1.1, or several in HTTP/1.0: RFC 9112 §3.2.
    case invalidHost
    /// A field line that is not `name: value`, folded, or with bytes that no field may have: RFC 9112 §5.
    case malformedField
    /// A line that does not end in CR LF, or a first line that is not `method target version`: RFC 9112 §2.2, §3.
    case malformedLine
    /// The head did not come in time.
    case slowHead
    /// The first line alone is longer than a head may be.
    case targetTooLong
    /// More field lines than `RequestHeadDecoder.maximumFields`.
    case tooManyFields
    /// A body, or the announcement of one, on a request for media.
    case unexpectedBody
    /// An expectation on a request for media: RFC 9110 §10.1.1.
    case unexpectedExpectation
    /// A transfer coding other than `chunked`: RFC 9112 §6.1.
    case unknownTransferCoding
    /// A version other than HTTP/1.0 and HTTP/1.1.
    case unsupportedVersion

    /// The status of the answer, RFC 9110 §15.
    public var status: Int {
        switch self {
        case .slowHead: 408
        case .targetTooLong: 414
        case .unexpectedExpectation: 417
        case .headTooLarge, .tooManyFields: 431
        case .unknownTransferCoding: 501
        case .unsupportedVersion: 505
        default: 400
        }
    }
}
