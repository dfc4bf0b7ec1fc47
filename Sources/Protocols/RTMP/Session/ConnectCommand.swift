// SPDX-License-Identifier: Apache-2.0

/// What a peer's `connect` says that matters here, and the answer.
struct ConnectCommand {
    /// The app as sent, query included; where it is missing, the path of `tcUrl`.
    private(set) var app = ""
    /// Whether the peer follows a request to reconnect, `capsEx` bit 0 (Enhanced RTMP 2).
    private(set) var understandsReconnect = false
    private var isEnhanced = false

    /// Before any `connect`.
    init() {}

    init(_ command: Command) {
        let object = command.argument(0) ?? .null
        let url = object["tcUrl"]?.string ?? object["tcurl"]?.string ?? ""
        app = Self.unquoted(object["app"]?.string ?? Self.path(url))
        let capabilities = object["capsEx"]?.uint32 ?? 0
        understandsReconnect = capabilities & 1 == 1
        isEnhanced = Self.enhancedNames.contains { object[$0] != nil }
    }

    /// The answer, with AMF0 for all that follows whatever the peer proposed. A peer that speaks Enhanced RTMP learns
    /// what we carry.
    func result(transaction: Double) -> Command {
        let properties = [
            AMFProperty("fmsVer", .string("FMS/3,0,1,123")), AMFProperty("capabilities", .number(31)),
        ]
        var more = [AMFProperty("objectEncoding", .number(0))]
        if isEnhanced {
            let codecs = ["av01", "avc1", "hvc1", "mp4a", "Opus"].map { AMFValue.string($0) }
            more += [
                AMFProperty("fourCcList", .strictArray(codecs)), AMFProperty("capsEx", .number(Self.capabilities)),
            ]
        }
        let information = Command.information(
            "NetConnection.Connect.Success", "Connection succeeded.", more: more)
        return Command("_result", transaction: transaction, [.object(properties), information])
    }

    private static func unquoted(_ text: String) -> String {
        guard text.count >= 2, text.first == "'", text.last == "'" else { return text }
        return String(text.dropFirst().dropLast())
    }

    private static func path(_ url: String) -> String {
        let url = unquoted(url)
        guard let scheme = url.firstRange(of: "://") else { return "" }
        let rest = url[scheme.upperBound...]
        guard let slash = rest.firstIndex(of: "/") else { return "" }
        return String(rest[rest.index(after: slash)...])
    }

    /// Set Peer Bandwidth's third kind.
    static let dynamicLimit: UInt8 = 2
    /// Reconnect requests and ModEx.
    private static let capabilities: Double = 1 + 4
    private static let enhancedNames = ["capsEx", "fourCcList", "videoFourCcInfoMap", "audioFourCcInfoMap"]
}
