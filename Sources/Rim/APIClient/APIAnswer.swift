// SPDX-License-Identifier: Apache-2.0

/// A node's answer.
public struct APIAnswer: Sendable, Equatable {
    /// The status code.
    public let status: Int
    /// The body.
    public let body: [UInt8]

    /// Parses a whole answer that ended with its connection; a body shorter than its Content-Length was cut off.
    public init(parsing bytes: [UInt8]) throws(APIFailure) {
        guard let end = Self.headEnd(in: bytes) else { throw .notHTTP }
        let lines = String(decoding: bytes[..<end], as: UTF8.self).split(separator: "\r\n")
        let words = lines.first?.split(separator: " ", maxSplits: 2) ?? []
        guard words.count >= 2, words[0].hasPrefix("HTTP/1."), words[1].utf8.count == 3, let status = Int(words[1])
        else { throw .notHTTP }
        let body = Array(bytes[(end + 4)...])
        for line in lines.dropFirst() where line.lowercased().hasPrefix("content-length:") {
            let value = line.drop { $0 != ":" }.dropFirst().trimmingSpaces
            guard let length = Int(value), length >= 0 else { throw .notHTTP }
            guard body.count >= length else { throw .cutOff }
        }
        self.status = status
        self.body = body
    }

    /// The body as text.
    public var text: String { String(decoding: body, as: UTF8.self) }

    private static func headEnd(in bytes: [UInt8]) -> Int? {
        let mark: [UInt8] = [13, 10, 13, 10]
        guard bytes.count >= mark.count else { return nil }
        return (0...(bytes.count - mark.count)).first {
            bytes[$0] == 13 && bytes[$0..<($0 + mark.count)].elementsEqual(mark)
        }
    }
}

/// Why a node gave no answer.
public enum APIFailure: Error, Equatable, Sendable {
    /// A line break or a space where none may be.
    case badRequest
    /// The answer ended before its length.
    case cutOff
    /// The node accepted and then said nothing in time.
    case noAnswer
    /// What answered does not speak HTTP.
    case notHTTP
    /// What answered does not speak TLS.
    case notSecured
    /// The answer is over 16 MiB.
    case tooLong
    /// The name has no address.
    case unknownHost(String)
    /// Nothing listens there; carries host and port.
    case unreachable(String)
    /// What answered did not prove to be the node; carries why.
    case untrusted(String)
}

extension Substring {
    fileprivate var trimmingSpaces: Substring {
        var text = self
        while text.first == " " { text.removeFirst() }
        while text.last == " " { text.removeLast() }
        return text
    }
}
