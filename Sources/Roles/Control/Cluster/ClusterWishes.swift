// SPDX-License-Identifier: Apache-2.0

import Foundation

// The bodies of requests about the cluster, as Resources/openapi.json says them.

/// The body of a drain: how long the node may take.
struct DrainWish: Decodable {
    let deadline: Duration

    enum CodingKeys: CodingKey { case deadline }

    init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        let seconds = try fields.decodeIfPresent(Int.self, forKey: .deadline) ?? Self.usual
        guard (0...Self.longest).contains(seconds) else {
            throw DecodingError.dataCorruptedError(forKey: .deadline, in: fields, debugDescription: "out of range")
        }
        deadline = .seconds(seconds)
    }

    private init() { deadline = .seconds(Self.usual) }

    /// The wish of a body; nil where it is none. An empty one wishes for the usual deadline.
    static func parsed(_ body: some Collection<UInt8>) -> DrainWish? {
        body.isEmpty ? DrainWish() : try? JSONDecoder().decode(DrainWish.self, from: Data(body))
    }

    private static let usual = 60
    private static let longest = 86_400
}

/// The body of a change of keys.
struct KeyWish: Decodable {
    let verb: Verb
    let change: ClusterKeyChange

    enum Verb: String, Decodable { case install, use, remove }
    enum CodingKeys: CodingKey { case verb, key, secret }

    init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        verb = try fields.decode(Verb.self, forKey: .verb)
        switch verb {
        case .install: change = .install(ClusterKeyText(try fields.decode(String.self, forKey: .secret)))
        case .remove: change = .remove(try Self.key(in: fields))
        case .use: change = .use(try Self.key(in: fields))
        }
    }

    /// The wish of a body; nil where it is none.
    static func parsed(_ body: some Collection<UInt8>) -> KeyWish? {
        try? JSONDecoder().decode(KeyWish.self, from: Data(body))
    }

    private static func key(in fields: KeyedDecodingContainer<CodingKeys>) throws -> UInt32 {
        guard let id = UInt32(keyName: try fields.decode(String.self, forKey: .key)) else {
            throw DecodingError.dataCorruptedError(forKey: .key, in: fields, debugDescription: "not eight digits")
        }
        return id
    }
}

extension UInt32 {
    /// A key's id as the API writes it: eight lower-case hexadecimal digits.
    var keyName: String {
        let digits = String(self, radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }

    /// Parses a key's id; nil for anything but eight hexadecimal digits.
    init?(keyName text: String) {
        guard text.utf8.count == 8, text.allSatisfy(\.isHexDigit) else { return nil }
        self.init(text, radix: 16)
    }
}
