// SPDX-License-Identifier: Apache-2.0

public import Identity

/// What a peer wants to publish or play: the app of its `connect` and the name of its call, taken apart.
///
/// Encoders cut one URL in many ways: the app may have several components or a query, the name may be empty and leave
/// only its query. Keys travel in the parameters, which no description shows.
public struct StreamAddress: Hashable, Sendable {
    /// The app without its query, slashes at its ends and `_definst_`.
    public let app: String
    /// The name without its query, leading slash and `mp4:` or `flv:`.
    public let name: String
    /// The name's parameters in order, then those of the app that the name does not have.
    public let parameters: [Parameter]

    /// One `name=value` of a query, as it was sent: nothing is percent-decoded, tokens are compared by their bytes.
    public struct Parameter: Hashable, Sendable {
        /// Before the first `=`.
        public let name: String
        /// After it; empty where there is none.
        public let value: String
    }

    /// Takes apart the `app` of a `connect` and the name of a `publish` or `play`.
    public init(app: String, name: String) {
        let appPath: Substring
        var appQuery: Substring
        (appPath, appQuery) = Self.split(app)
        var (namePath, nameQuery) = Self.split(name)
        if !appQuery.isEmpty, nameQuery.isEmpty, namePath.contains(where: { $0 == "=" || $0 == "&" }) {
            // ffmpeg 5 cuts a URL at its last slash, also at one within the query.
            (nameQuery, namePath) = (Self.split(app + "/" + name).query, "")
            appQuery = ""
        }
        self.app = Self.trimmed(appPath)
        self.name = Self.trimmed(Self.withoutFormat(Self.trimmed(namePath)))
        let own = Self.parameters(nameQuery)
        parameters = own + Self.parameters(appQuery).filter { outer in !own.contains { $0.name == outer.name } }
    }

    /// The value of the first parameter of that name.
    public subscript(parameter: String) -> String? { parameters.first { $0.name == parameter }?.value }

    /// The stream: its app is the first component of all, its name the others. A single component is a name in the app
    /// `live`, but for `live` itself, which is a URL whose key was forgotten.
    public func streamID() throws(StreamID.Failure) -> StreamID {
        let path = [app, name].filter { !$0.isEmpty }.joined(separator: "/")
        guard !path.isEmpty, path != "live" else { throw .empty }
        return try StreamID(parsing: path)
    }
}

extension StreamAddress: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// App and name; no parameter.
    public var description: String { "\(app)/\(name)" }
    /// App and name; no parameter.
    public var debugDescription: String { description }
    /// App and name; no parameter.
    public var customMirror: Mirror { Mirror(self, children: ["app": app, "name": name]) }
}

extension StreamAddress.Parameter: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The name alone.
    public var description: String { name }
    /// The name alone.
    public var debugDescription: String { name }
    /// The name alone.
    public var customMirror: Mirror { Mirror(self, children: ["name": name]) }
}

extension StreamAddress {
    private static func split(_ text: String) -> (path: Substring, query: Substring) {
        guard let mark = text.firstIndex(of: "?") else { return (text[...], "") }
        return (text[..<mark], text[text.index(after: mark)...])
    }

    private static func parameters(_ query: Substring) -> [Parameter] {
        query.split(separator: "&").map { part in
            guard let equals = part.firstIndex(of: "=") else { return Parameter(name: String(part), value: "") }
            return Parameter(name: String(part[..<equals]), value: String(part[part.index(after: equals)...]))
        }
    }

    /// Without slashes at both ends and without the instance that Flash servers add.
    private static func trimmed(_ path: some StringProtocol) -> String {
        var components = path.split(separator: "/", omittingEmptySubsequences: false)
        while components.first == "" { components.removeFirst() }
        while components.last == "" { components.removeLast() }
        return components.filter { $0 != "_definst_" }.joined(separator: "/")
    }

    private static func withoutFormat(_ name: String) -> Substring {
        for format in ["mp4:", "flv:"] where name.hasPrefix(format) { return name.dropFirst(format.count) }
        return name[...]
    }
}
