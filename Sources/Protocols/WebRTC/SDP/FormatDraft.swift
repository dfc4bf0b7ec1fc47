// SPDX-License-Identifier: Apache-2.0

/// The payload types of one `m=` while their lines come, in any order.
struct FormatDraft {
    private let listed: [UInt8]
    private var maps: [UInt8: PayloadFormat] = [:]
    private var parameters: [UInt8: String] = [:]
    private var feedback: [UInt8: RTCPFeedback] = [:]
    private var feedbackForAll: RTCPFeedback = []

    /// - Parameter words: what `m=` lists; what is no payload type is left out.
    init(listed words: some Sequence<Substring>) {
        var listed: [UInt8] = []
        for case let type? in words.map({ UInt8($0) }) where type < 128 && !listed.contains(type) {
            listed.append(type)
        }
        self.listed = listed
    }

    /// Reads an attribute if it is one of a format.
    mutating func read(
        _ name: Substring, _ value: Substring, line: Int, limits: SDPLimits
    ) throws(SDPFailure) -> Bool {
        switch name {
        case "fmtp":
            if let (type, rest) = Self.typed(value), parameters[type] == nil, rest.utf8.count <= Self.longestParameters
            {
                parameters[type] = String(rest)
            }
        case "rtcp-fb": readFeedback(value)
        case "rtpmap": try readMap(value, line: line)
        default: return false
        }
        guard listed.count <= limits.formats else { throw .tooMany("payload types", limit: limits.formats) }
        return true
    }

    /// The listed formats that have a map, in their order.
    var finished: [PayloadFormat] {
        listed.compactMap { type in
            guard var format = maps[type] else { return nil }
            format.parameters = parameters[type] ?? ""
            format.feedback = (feedback[type] ?? []).union(feedbackForAll)
            return format
        }
    }

    /// RFC 8866 §6.6: `96 H264/90000`, `111 opus/48000/2`.
    private mutating func readMap(_ value: Substring, line: Int) throws(SDPFailure) {
        guard let (type, rest) = Self.typed(value) else { throw .malformed("a=rtpmap", line: line) }
        let parts = rest.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count >= 2, parts[0].isToken, let rate = UInt32(parts[1]), rate > 0 else {
            throw .malformed("a=rtpmap", line: line)
        }
        let channels = parts.count > 2 ? UInt8(parts[2]) ?? 0 : 1
        guard channels > 0 else { throw .malformed("a=rtpmap", line: line) }
        guard maps[type] == nil else { return }
        maps[type] = PayloadFormat(
            payloadType: type, encoding: String(parts[0]), clockRate: rate, channels: channels)
    }

    /// RFC 4585 §4.2; `*` is for all formats.
    private mutating func readFeedback(_ value: Substring) {
        let words = value.split(separator: " ")
        let name = words.dropFirst().joined(separator: " ")
        guard let (kind, _) = RTCPFeedback.names.first(where: { $0.1 == name }) else { return }
        if words[0] == "*" {
            feedbackForAll.insert(kind)
        } else if let type = UInt8(words[0]) {
            feedback[type, default: []].insert(kind)
        }
    }

    /// The longest that are seen have the parameter sets of HEVC in them, some hundreds of bytes.
    private static let longestParameters = 2048

    private static func typed(_ value: Substring) -> (UInt8, Substring)? {
        let words = value.split(separator: " ", maxSplits: 1)
        guard words.count == 2, let type = UInt8(words[0]), type < 128 else { return nil }
        return (type, words[1].trimmed)
    }
}
