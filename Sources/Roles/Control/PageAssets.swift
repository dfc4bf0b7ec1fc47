// SPDX-License-Identifier: Apache-2.0

import COpenSSL

/// One file of the page, as it is sent.
public struct PageAsset: Sendable {
    /// The body.
    public let bytes: [UInt8]
    /// The Content-Type.
    public let contentType: String
    /// A strong entity tag with its quotes, RFC 9110 §8.8.3: half the SHA-256 of the body.
    public let entityTag: String

    init(_ bytes: [UInt8], _ contentType: String) {
        self.bytes = bytes
        self.contentType = contentType
        var hash = [UInt8](repeating: 0, count: Int(SHA256_DIGEST_LENGTH))
        SHA256(bytes, bytes.count, &hash)
        let digits = hash.prefix(16).map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }
        entityTag = "\"" + digits.joined() + "\""
    }
}

/// The page and the API document, by path. They are part of the program: nothing is read from disk.
public enum PageAssets {
    /// The file that answers `path`, a decoded path without its query; nil where there is none.
    ///
    /// `/watch/{app}/{name}` is one file for all streams: its script reads the address.
    public static func asset(at path: String) -> PageAsset? {
        guard path.hasPrefix(watchPrefix) else { return table[path] }
        let components = path.dropFirst(watchPrefix.count).split(separator: "/", omittingEmptySubsequences: false)
        return components.count >= 2 && components.allSatisfy { !$0.isEmpty } ? watch : nil
    }

    /// Every path but those of `/watch/`.
    public static var paths: [String] { table.keys.sorted() }

    /// The headers that go with every asset, besides Content-Type, ETag and Content-Length.
    /// - Parameters:
    ///   - scriptOrigin: where hls.js is loaded from, if not from this node, as `https://host[:port]`.
    ///   - mediaOrigins: where playlists may send players for media besides this node.
    public static func headers(
        scriptOrigin: String? = nil, mediaOrigins: [String] = []
    ) -> [(name: String, value: String)] {
        [
            ("Cache-Control", "no-cache"),
            ("Content-Security-Policy", contentSecurityPolicy(scriptOrigin: scriptOrigin, mediaOrigins: mediaOrigins)),
            ("Referrer-Policy", "no-referrer"),
            ("X-Content-Type-Options", "nosniff"),
        ]
    }

    /// No inline script, no inline style, nothing from elsewhere. hls.js hands media over as `blob:` and may work in a
    /// `blob:` worker; the waves in the style sheet are `data:` images.
    static func contentSecurityPolicy(scriptOrigin: String?, mediaOrigins: [String]) -> String {
        let scripts = (["'self'"] + (scriptOrigin.map { [$0] } ?? [])).joined(separator: " ")
        let media = (["'self'"] + mediaOrigins).joined(separator: " ")
        return [
            "default-src 'none'", "script-src \(scripts)", "style-src 'self'", "img-src 'self' data:",
            "connect-src \(media)", "media-src \(media) blob:", "worker-src 'self' blob:", "base-uri 'none'",
            "form-action 'none'", "frame-ancestors 'none'",
        ].joined(separator: "; ")
    }

    private static let watchPrefix = "/watch/"
    private static let css = "text/css; charset=utf-8"
    private static let html = "text/html; charset=utf-8"
    private static let script = "text/javascript; charset=utf-8"
    private static let watch = PageAsset(PackageResources.watch_html, html)
    private static let table: [String: PageAsset] = [
        "/": PageAsset(PackageResources.index_html, html),
        "/api/openapi.json": PageAsset(PackageResources.openapi_json, "application/json"),
        "/app.js": PageAsset(PackageResources.app_js, script),
        "/cluster": PageAsset(PackageResources.cluster_html, html),
        "/cluster.css": PageAsset(PackageResources.cluster_css, css),
        "/cluster.js": PageAsset(PackageResources.cluster_js, script),
        "/common.js": PageAsset(PackageResources.common_js, script),
        "/icon.svg": PageAsset(PackageResources.icon_svg, "image/svg+xml"),
        "/millrace.css": PageAsset(PackageResources.millrace_css, css),
        "/player.js": PageAsset(PackageResources.player_js, script),
        "/publish": PageAsset(PackageResources.publish_html, html),
        "/publish.js": PageAsset(PackageResources.publish_js, script),
        "/watch.js": PageAsset(PackageResources.watch_js, script),
        "/whep.js": PageAsset(PackageResources.whep_js, script),
        "/whip.js": PageAsset(PackageResources.whip_js, script),
    ]
}
