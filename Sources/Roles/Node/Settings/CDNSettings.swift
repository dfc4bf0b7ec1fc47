// SPDX-License-Identifier: Apache-2.0

/// `cdn.…`: the content delivery network in front of the edges.
public struct CDNSettings: Sendable, Equatable {
    /// When whole segments come from it.
    public enum Offload: String, Sendable, CaseIterable {
        case never
        case always
        case load
    }

    /// Who verifies what viewers are let in by.
    public enum Signer: String, Sendable, CaseIterable {
        case none
        case akamai
        case bunny
        case cloudfront
        case fastly
        case google
        case secureLink = "secure_link"
    }

    /// Scheme, host and port, without a slash at the end; nil where there is none.
    public var url: String?
    /// When whole segments come from it.
    public var offload = Offload.load
    /// From how many viewers of a stream on.
    public var viewers = 1000
    /// From how much use of the edges on, in percent.
    public var load = 70
    /// For how long both must be low before viewers come back.
    public var calm = Duration.seconds(60)
    /// Who verifies what viewers are let in by.
    public var signer = Signer.none
    /// The key that it signs with.
    public var key: SecretText?
    /// A file that holds the key.
    public var keyFile: String?
    /// What the key is called there.
    public var keyName: String?
    /// For how long a viewer is let in.
    public var tokenLife = Duration.seconds(86_400)
    /// Where the CDN is asked to forget a stream; nil where it is not.
    public var purgeURL: SecretText?
    /// The method of that request.
    public var purgeMethod = "POST"
    /// A header of that request that says who asks, `Name: value`.
    public var purgeHeader: SecretText?

    /// The defaults.
    public init() {}

    /// What is wrong, each as a sentence.
    var contradictions: [String] {
        var found: [String] = []
        if url == nil, signer != .none || purgeURL != nil { found.append("cdn.signer and cdn.purge_url need cdn.url") }
        if key != nil, keyFile != nil { found.append("cdn.key and cdn.key_file exclude each other") }
        if signer != .none, key == nil, keyFile == nil { found.append("cdn.signer needs cdn.key or cdn.key_file") }
        if keyName == nil, signer == .cloudfront || signer == .google {
            found.append("cdn.signer \(signer.rawValue) needs cdn.key_name")
        }
        let header = purgeHeader?.revealed.utf8 ?? ":".utf8
        if !header.contains(UInt8(ascii: ":")) || header.contains(where: { $0 < 0x20 || $0 == 0x7F }) {
            found.append("cdn.purge_header is Name: value")
        }
        if purgeHeader != nil, purgeURL == nil { found.append("cdn.purge_header needs cdn.purge_url") }
        return found
    }
}
