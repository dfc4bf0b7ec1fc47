// SPDX-License-Identifier: Apache-2.0

/// The name of a stream: an app and a name below it, written `app/name`.
///
/// A value of this type is safe as a path, as an object key and in a log: 1 to 128 bytes of UTF-8 in all, no control
/// characters, no `.` or `..` component, nothing that a URL would have to escape twice. The name may have several
/// components (`room/camera`), the app is one.
///
/// Paths, keys and tokens are compared by bytes, and Swift compares texts by canonical equivalence, so no two texts of
/// different bytes may be the same name. Therefore letters are single scalars: whatever can combine with what stands
/// before it, and whatever is a second code for another character, is refused (`é` is U+00E9, not `e` and U+0301).
public struct StreamID: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The first path component, `live` where a publisher names none.
    public let app: String
    /// The rest of the path.
    public let name: String

    /// Makes a name of its two parts.
    public init(app: String, name: String) throws(Failure) {
        let length = app.utf8.count + 1 + name.utf8.count
        guard length <= Self.maximumLength else { throw .tooLong(length) }
        guard !app.contains("/") else { throw .forbiddenComponent }
        try Self.check(component: app[...])
        for component in name.split(separator: "/", omittingEmptySubsequences: false) {
            try Self.check(component: component)
        }
        guard !Self.reservedApps.contains(app) else { throw .reservedApp(app) }
        for suffix in [".m3u8", ".flv", ".mp4", ".m4s"] where name.hasSuffix(suffix) { throw .reservedSuffix }
        self.app = app
        self.name = name
    }

    /// `app/name`.
    public var description: String { "\(app)/\(name)" }

    /// Orders by app, then by name.
    public static func < (left: StreamID, right: StreamID) -> Bool {
        (left.app, left.name) < (right.app, right.name)
    }
}

extension StreamID {
    /// Why a text is not a stream's name.
    public enum Failure: Error, Equatable, Sendable {
        /// No app, no name, or an empty component between slashes.
        case empty
        /// Over 128 bytes; carries the length.
        case tooLong(Int)
        /// A combining mark, a lone part of a Hangul syllable, or a second code of another character: Unicode could write
        /// the same name in other bytes.
        case ambiguousCharacter
        /// A control character, `%`, `?`, `#`, `\`, quotes, angle brackets or white space.
        case forbiddenCharacter
        /// A component that is `.` or `..`, or that begins with `~`.
        case forbiddenComponent
        /// The app is one that the HTTP interface needs for itself.
        case reservedApp(String)
        /// The name ends like one of our own files, `.m3u8`, `.flv`, `.mp4` or `.m4s`.
        case reservedSuffix
    }

    /// The longest `app/name`, in bytes of UTF-8.
    public static let maximumLength = 128

    /// Apps that no stream may use, because the HTTP interface has routes there.
    public static let reservedApps: Set<String> = [
        "api", "watch", "ws", "health", "ready", "metrics", "streams", "dashboard", "recordings",
    ]

    /// Parses `app/name`; a text without a slash is a name in the app `live`.
    public init(parsing text: some StringProtocol) throws(Failure) {
        guard let slash = text.firstIndex(of: "/") else {
            try self.init(app: "live", name: String(text))
            return
        }
        try self.init(app: String(text[..<slash]), name: String(text[text.index(after: slash)...]))
    }

    private static func check(component: Substring) throws(Failure) {
        guard !component.isEmpty else { throw .empty }
        guard component != ".", component != "..", component.first != "~" else { throw .forbiddenComponent }
        for scalar in component.unicodeScalars {
            if scalar.value <= 0x20 || (0x7F...0xA0).contains(scalar.value) || scalar == "\u{FFFD}" {
                throw .forbiddenCharacter
            }
            guard !isAmbiguous(scalar) else { throw .ambiguousCharacter }
            if scalar.properties.isWhitespace || "%?#\\\"'<>`{}|^".unicodeScalars.contains(scalar) {
                throw .forbiddenCharacter
            }
        }
    }

    /// Whether a scalar may be missing from, or joined with others in, a text's normalization form C (UAX #15): all
    /// that NFC_Quick_Check does not answer with yes, and with it all marks, which is simpler to say.
    private static func isAmbiguous(_ scalar: Unicode.Scalar) -> Bool {
        guard scalar.value >= 0x300 else { return false }
        switch scalar.properties.generalCategory {
        case .enclosingMark, .nonspacingMark, .spacingMark: return true
        default: break
        }
        return scalar.properties.isFullCompositionExclusion || joining.contains { $0.contains(scalar.value) }
    }

    /// Letters that join the letter before them: the vowels and finals of Hangul, the vowels of Kirat Rai.
    private static let joining: [ClosedRange<UInt32>] = [0x1160...0x11FF, 0xD7B0...0xD7FF, 0x16D63...0x16D6A]
}
