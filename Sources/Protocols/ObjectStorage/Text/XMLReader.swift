// SPDX-License-Identifier: Apache-2.0

import Bytes

/// Reads the small XML documents that S3 and Azure answer with, an element at a time.
///
/// Knows elements, text, references, comments and CDATA. A document type is refused, so nothing can be defined within;
/// attributes and namespaces are passed over.
struct XMLReader {
    private var rest: ByteSlice
    /// The elements that are open, outermost first.
    private(set) var path: [String] = []
    private var text: [UInt8] = []
    /// Whether the innermost element was written without content, `<a/>`, and its end is still to be told.
    private var isClosing = false

    /// What comes next.
    enum Event: Equatable {
        /// An element begins.
        case start(String)
        /// An element ends; carries the text directly before its end.
        case end(String, text: String)
    }

    init(_ bytes: [UInt8]) { rest = bytes[...] }

    /// The next event, nil when the document is over.
    /// - Throws: ``XMLFailure`` for what is no document, or one that we do not read.
    mutating func next() throws(XMLFailure) -> Event? {
        if isClosing { return close() }
        while let first = rest.first {
            if first != UInt8(ascii: "<") {
                try readText()
            } else if take("<!--") {
                _ = try skipped(to: "-->")
            } else if take("<![CDATA[") {
                text += try skipped(to: "]]>")
            } else if take("<?") {
                _ = try skipped(to: "?>")
            } else if take("</") {
                return try readEnd()
            } else {
                rest.removeFirst()
                return try readStart()
            }
        }
        guard path.isEmpty else { throw XMLFailure() }
        return nil
    }

    private mutating func readStart() throws(XMLFailure) -> Event {
        var tag = try skipped(to: ">")
        isClosing = tag.last == UInt8(ascii: "/")
        if isClosing { tag.removeLast() }
        let name = String(decoding: tag.prefix { !Self.isSpace($0) }, as: UTF8.self)
        guard let first = name.utf8.first, first != UInt8(ascii: "!"), path.count < Self.deepest else {
            throw XMLFailure()
        }
        text = []
        path.append(name)
        return .start(name)
    }

    private mutating func readEnd() throws(XMLFailure) -> Event {
        let name = String(decoding: try skipped(to: ">").prefix { !Self.isSpace($0) }, as: UTF8.self)
        guard path.last == name else { throw XMLFailure() }
        return close()
    }

    private mutating func close() -> Event {
        defer {
            text = []
            isClosing = false
        }
        return .end(path.removeLast(), text: String(decoding: text, as: UTF8.self))
    }

    private mutating func readText() throws(XMLFailure) {
        while let byte = rest.first, byte != UInt8(ascii: "<") {
            rest.removeFirst()
            if byte == UInt8(ascii: "&") { try readReference() } else { text.append(byte) }
        }
    }

    /// `&amp;` and its like, `&#10;`, `&#x0A;`.
    private mutating func readReference() throws(XMLFailure) {
        let name = String(decoding: try skipped(to: ";", within: 10), as: UTF8.self)
        if let byte = Self.references[name] { return text.append(byte) }
        guard name.hasPrefix("#") else { throw XMLFailure() }
        let digits = name.dropFirst()
        let value = digits.hasPrefix("x") ? UInt32(digits.dropFirst(), radix: 16) : UInt32(digits)
        guard let value, let scalar = Unicode.Scalar(value) else { throw XMLFailure() }
        text += Array(String(Character(scalar)).utf8)
    }

    private mutating func take(_ mark: String) -> Bool {
        guard rest.starts(with: mark.utf8) else { return false }
        rest = rest.dropFirst(mark.utf8.count)
        return true
    }

    /// The bytes before a mark, which is passed over as well.
    private mutating func skipped(to mark: String, within limit: Int = .max) throws(XMLFailure) -> ByteSlice {
        let mark = Array(mark.utf8)
        guard let last = mark.last else { return [] }
        for (count, index) in rest.indices.enumerated() {
            guard count <= limit else { break }
            guard rest[index] == last, count + 1 >= mark.count, rest[...index].suffix(mark.count) == mark[...] else {
                continue
            }
            defer { rest = rest[(index + 1)...] }
            return rest[..<index].dropLast(mark.count - 1)
        }
        throw XMLFailure()
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D }

    private static let deepest = 16
    private static let references: [String: UInt8] = [
        "amp": UInt8(ascii: "&"), "lt": UInt8(ascii: "<"), "gt": UInt8(ascii: ">"), "quot": UInt8(ascii: "\""),
        "apos": UInt8(ascii: "'"),
    ]
}

/// What was read is no XML document that we read.
struct XMLFailure: Error, Equatable {}
