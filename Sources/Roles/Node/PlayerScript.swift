// SPDX-License-Identifier: Apache-2.0

import COpenSSL
import Foundation

/// hls.js for the page: from a file, which the node then serves itself, or from a URL elsewhere.
struct PlayerScript: Sendable {
    /// Where the page loads it.
    let url: String
    /// Subresource Integrity of it, `sha384-…`.
    let integrity: String
    /// Its bytes, where it is served from here.
    let bytes: [UInt8]?
    /// Its origin, where that is not this node.
    let origin: String?

    /// What is wrong with the settings.
    enum Failure: Error, CustomStringConvertible {
        case integrityMissing
        case integrityWrong
        case unreadable(String)

        var description: String {
            switch self {
            case .integrityMissing: "page.hls_js is a URL, so page.hls_js_integrity must say what is behind it"
            case .integrityWrong: "page.hls_js is not the file that page.hls_js_integrity says"
            case .unreadable(let path): "page.hls_js: \(path) can not be read"
            }
        }
    }

    /// nil where no script is set, and none lies where packages and checkouts put it.
    init?(_ settings: PageSettings) throws {
        guard let place = settings.hlsScript ?? Self.installed else { return nil }
        if let parts = URLComponents(string: place), let scheme = parts.scheme, let host = parts.host {
            guard let integrity = settings.hlsScriptIntegrity else { throw Failure.integrityMissing }
            url = place
            self.integrity = integrity
            bytes = nil
            origin = "\(scheme)://\(host)" + (parts.port.map { ":\($0)" } ?? "")
            return
        }
        guard let data = FileManager.default.contents(atPath: place) else { throw Failure.unreadable(place) }
        let known = Self.integrity(of: [UInt8](data), like: settings.hlsScriptIntegrity)
        guard settings.hlsScriptIntegrity.map({ $0 == known }) ?? true else { throw Failure.integrityWrong }
        url = "/player/hls.js"
        integrity = known
        bytes = [UInt8](data)
        origin = nil
    }

    /// The script that came with the program: `../share/millrace/hls.js` from where the program's file is, however it was
    /// called, or what `scripts/setup` fetched into the checkout that the node is started from.
    private static var installed: String? {
        let program = URL(filePath: ProcessFacts.program).deletingLastPathComponent()
        let shared = program.appending(path: "../share/millrace/hls.js").standardizedFileURL.path
        return [shared, ".tools/hls/hls.js"].first { FileManager.default.isReadableFile(atPath: $0) }
    }

    /// The integrity value of `bytes`, by the hash that `sample` uses, SHA-384 without one.
    private static func integrity(of bytes: [UInt8], like sample: String?) -> String {
        let name = sample?.prefix { $0 != "-" } ?? "sha384"
        let algorithm = name == "sha256" ? EVP_sha256() : name == "sha512" ? EVP_sha512() : EVP_sha384()
        var digest = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        var length: UInt32 = 0
        EVP_Digest(bytes, bytes.count, &digest, &length, algorithm, nil)
        return "\(name)-" + Data(digest.prefix(Int(length))).base64EncodedString()
    }
}
