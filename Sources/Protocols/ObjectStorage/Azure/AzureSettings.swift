// SPDX-License-Identifier: Apache-2.0

import Signing

/// Where a container of Azure Blob Storage is, and how it is spoken to.
public struct AzureSettings: Hashable, Sendable {
    /// Scheme, host and port, and the account where the path names it, without a slash behind it:
    /// `https://account.blob.core.windows.net`.
    public var endpoint: String
    /// The container.
    public var container: String
    /// What requests are proved with.
    public var credential: AzureCredential

    /// A container at an endpoint.
    public init(endpoint: String, container: String, credential: AzureCredential) {
        self.endpoint = endpoint
        self.container = container
        self.credential = credential
    }
}

/// What requests to Azure are proved with.
public enum AzureCredential: Hashable, Sendable {
    /// The account's key: each request is signed.
    case sharedKey(AzureKey)
    /// A shared access signature that somebody made, without its question mark.
    case sharedAccess(String)
}

/// An account and one of its keys. The description does not tell the key.
public struct AzureKey: Hashable, Sendable, CustomStringConvertible, CustomReflectable {
    /// The account.
    public let account: String
    private let key: [UInt8]

    /// Takes the key as Azure shows it, in base64; nil for what is none.
    public init?(account: String, base64 key: String) {
        guard let bytes = Base64.standard.bytes(key), !bytes.isEmpty else { return nil }
        self.account = account
        self.key = bytes
    }

    /// The account.
    public var description: String { account }

    /// Without children.
    public var customMirror: Mirror { Mirror(self, children: []) }

    /// HMAC-SHA256 of a text, in base64.
    func signature(of text: String) -> String { Base64.standard.text(Digest.sha256.code(key: key, text)) }
}
