// SPDX-License-Identifier: Apache-2.0

/// `ice-ufrag` and `ice-pwd` of one side for one generation of ICE (RFC 8839 §5.4).
public struct ICECredentials: Hashable, Sendable {
    /// 4 to 256 characters.
    public let fragment: String
    /// 22 to 256 characters.
    public let password: String

    /// Credentials of their texts.
    public init(fragment: String, password: String) {
        self.fragment = fragment
        self.password = password
    }
}

/// The credentials that we give to one remote party for one generation: a fragment that finds the session, a password of
/// 144 random bits, of which RFC 8445 §5.3 asks for 128.
public struct ICELocalCredentials: Hashable, Sendable {
    /// By which a check finds the session.
    public let fragment: ICEFragment
    /// What signs its checks.
    public let password: String

    /// New credentials.
    public static func random(using random: inout some RandomNumberGenerator) -> ICELocalCredentials {
        let fragment = ICEFragment.random(using: &random)
        var password: [UInt8] = []
        for _ in 0..<3 {
            let bits: UInt64 = random.next()
            for shift in 0..<8 { password.append(iceCharacter(bits >> (6 * UInt64(shift)))) }
        }
        return ICELocalCredentials(fragment: fragment, password: String(decoding: password, as: UTF8.self))
    }

    /// Credentials of their parts.
    public init(fragment: ICEFragment, password: String) {
        self.fragment = fragment
        self.password = password
    }

    /// As they stand in SDP.
    public var credentials: ICECredentials { ICECredentials(fragment: fragment.description, password: password) }
}
