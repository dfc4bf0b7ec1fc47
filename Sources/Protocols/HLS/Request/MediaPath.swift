// SPDX-License-Identifier: Apache-2.0

public import Bytes
import Feed
public import Identity

/// What a request target asks for: one of a stream's playlists, some of its media, or the stream as FLV.
///
/// The last component says what it is, the ones before say of what; a stream's name may have several components. One
/// thing has one spelling but for percent-encoding: numbers without leading zeros, terms in lower case.
public struct MediaPath: Hashable, Sendable {
    /// The stream.
    public let stream: StreamID
    /// What of the stream.
    public let resource: MediaResource
    /// The viewer's token: the first component without its `~`, where it has one; not yet verified.
    public let token: ByteSlice?
    /// What stands behind the first `?`, empty where nothing does.
    public let query: ByteSlice

    /// Why a target is not a media path.
    public enum Failure: Error, Hashable, Sendable {
        /// It may not be asked at all (400): `..`, an escaped separator or dot, a control character, an empty
        /// component, a name that is too long or not UTF-8.
        case malformed
        /// It is not one of ours (404).
        case notMedia
    }

    /// Parses a request target in origin form (RFC 9112 §3.2.1).
    /// - Parameter known: looks a stream up by the bytes of `app/name` as they stand in the path; where it has an
    ///   answer, no name is made. Without an answer the name is decoded.
    public init(
        parsing target: ByteSlice, known: (ByteSlice) -> StreamID? = { _ in nil }
    ) throws(Failure) {
        let end = target.firstIndex(of: UInt8(ascii: "?")) ?? target.endIndex
        query = target[end...].dropFirst()
        var path = target[..<end]
        guard path.popFirst() == Self.slash else { throw .notMedia }
        try Self.check(path)
        token = Self.takeToken(&path)
        guard let found = MediaResource.parse(&path), path.contains(Self.slash) else { throw .notMedia }
        resource = found
        if let known = known(path) { stream = known } else { stream = try Self.stream(path) }
    }

    /// Parses a request target in origin form, and names a stream only where it is not known yet.
    public init(parsing target: ByteSlice, known: inout KnownStreams) throws(Failure) {
        var unknown: ByteSlice?
        try self.init(parsing: target) { path in
            let found = known.stream(of: path)
            if found == nil { unknown = path }
            return found
        }
        if let unknown { known.remember(stream, as: unknown) }
    }

    /// Refuses what no path of ours has, before anything is decoded.
    private static func check(_ path: ByteSlice) throws(Failure) {
        guard path.count <= maximumLength else { throw .malformed }
        var previous = slash
        var index = path.startIndex
        while index < path.endIndex {
            var byte = path[index]
            guard byte > 0x20, byte != 0x7F, byte != UInt8(ascii: "\\"), byte != slash || previous != slash else {
                throw .malformed
            }
            previous = byte
            if byte == percent {
                guard let decoded = Self.decoded(path[index...]) else { throw .malformed }
                byte = decoded
                guard byte > 0x20, byte != 0x7F, !Self.neverEscaped.contains(byte) else { throw .malformed }
                index += 2
            } else if byte == UInt8(ascii: "."), index == path.startIndex || path[index - 1] == slash {
                try Self.checkDots(path[index...])
            }
            index += 1
        }
        guard previous != slash else { throw .notMedia }
    }

    /// Refuses the components `.` and `..`.
    private static func checkDots(_ rest: ByteSlice) throws(Failure) {
        let component = rest.prefix(3).prefix { $0 != slash }
        if component.allSatisfy({ $0 == UInt8(ascii: ".") }), component.count < 3 { throw .malformed }
    }

    private static func stream(_ path: ByteSlice) throws(Failure) -> StreamID {
        guard path.count <= StreamID.maximumLength * 3 else { throw .malformed }
        let bytes = path.contains(percent) ? unescaped(path)[...] : path
        guard let text = String(validating: bytes, as: UTF8.self) else { throw .malformed }
        do throws(StreamID.Failure) {
            return try StreamID(parsing: text)
        } catch {
            if case .reservedApp = error { throw .notMedia }
            throw .malformed
        }
    }

    /// Takes the first component where it begins with `~`.
    private static func takeToken(_ path: inout ByteSlice) -> ByteSlice? {
        guard path.first == UInt8(ascii: "~"), let end = path.firstIndex(of: slash) else { return nil }
        defer { path = path[(end + 1)...] }
        return path[..<end].dropFirst()
    }

    /// Takes the last component and the slash before it.
    static func popLast(_ path: inout ByteSlice) -> ByteSlice? {
        guard let before = path.lastIndex(of: slash) else { return nil }
        defer { path = path[..<before] }
        return path[(before + 1)...]
    }

    private static func unescaped(_ path: ByteSlice) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(path.count)
        var index = path.startIndex
        while index < path.endIndex {
            let escaped = path[index] == percent ? decoded(path[index...]) : nil
            bytes.append(escaped ?? path[index])
            index += escaped == nil ? 1 : 3
        }
        return bytes
    }

    /// The byte that `%hh` at the start of `rest` stands for (RFC 3986 §2.1).
    private static func decoded(_ rest: ByteSlice) -> UInt8? {
        guard rest.count >= 3 else { return nil }
        guard let high = nibble(rest[rest.startIndex + 1]), let low = nibble(rest[rest.startIndex + 2]) else {
            return nil
        }
        return high << 4 | low
    }

    private static func nibble(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    static let slash = UInt8(ascii: "/")
    private static let percent = UInt8(ascii: "%")
    /// `.`, `/`, `\` and `%` are refused when escaped: whoever escapes them means to be read twice.
    private static let neverEscaped = Array("./\\%".utf8)
    /// A token, a name of 128 escaped bytes, and the file.
    private static let maximumLength = 4096
}
