// SPDX-License-Identifier: Apache-2.0

import Bytes
import CDN
import Foundation
import Media
import Objects
import Storage
import StoreKit
import Testing

@Suite("nginx with secure_link")
struct NginxTests {
    @Test("serves what our tokens grant, and nothing else")
    func secureLink() async throws {
        let folder = StoreServers.scratch + "/nginx"
        try FileManager.default.createDirectory(atPath: folder + "/live/news", withIntermediateDirectories: true)
        try FileManager.default.createDirectory(atPath: folder + "/live/other", withIntermediateDirectories: true)
        for name in ["news", "other"] {
            try Data("segment".utf8).write(to: URL(filePath: "\(folder)/live/\(name)/7.m4s"))
        }
        let server = try await ToolProcess("/usr/sbin/nginx") { port in
            try Self.configuration(port, folder).write(toFile: folder + "/conf", atomically: true, encoding: .utf8)
            return ["-c", folder + "/conf", "-e", "stderr"]
        }
        let base = "http://127.0.0.1:\(server.port)"
        let signer = try #require(SecureLinkSigner(secret: Self.secret))
        let now = StoreServers.wall()
        func path(_ name: String, lasting seconds: Int) throws -> String {
            let grant = DeliveryGrant(
                base: base, path: "/live/\(name)/", expires: now.advanced(by: .seconds(seconds)))
            guard case .path(let path) = signer.token(for: try #require(grant)) else { return "" }
            return path
        }
        let token = try path("news", lasting: 600)
        #expect(try await status(base + token + "/live/news/7.m4s") == 200)
        #expect(try await status(base + token + "/live/other/7.m4s") == 403)
        #expect(try await status(base + token + "/live/news/../other/7.m4s") == 403)
        #expect(try await status(base + "/live/news/7.m4s") == 403)
        let later = token.dropLast() + (token.hasSuffix("9") ? "8" : "9")
        #expect(try await status(base + later + "/live/news/7.m4s") == 403)
        #expect(try await status(base + (try path("news", lasting: -1)) + "/live/news/7.m4s") == 410)
    }

    private func status(_ url: String) async throws -> Int {
        try await StoreServers.client.send(
            OutboundRequest(method: "GET", url: url), timeout: .seconds(5), largest: .kibibytes(64)
        ).status
    }

    /// The token covers the first two components of the path behind it: app and name.
    private static func configuration(_ port: Int, _ folder: String) -> String {
        """
        daemon off; master_process off; pid \(folder)/pid;
        events {}
        http {
            access_log off; client_body_temp_path \(folder)/body; proxy_temp_path \(folder)/proxy;
            fastcgi_temp_path \(folder)/fastcgi; uwsgi_temp_path \(folder)/uwsgi; scgi_temp_path \(folder)/scgi;
            server {
                listen 127.0.0.1:\(port); root \(folder);
                location / { return 403; }
                location ~ "^/~s/(?<code>[A-Za-z0-9_-]{22})/(?<end>[0-9]+)(?<grant>/[^/]+/[^/]+/)(?<name>.+)$" {
                    secure_link $code,$end;
                    secure_link_md5 "$end$grant \(secret)";
                    if ($secure_link = "") { return 403; }
                    if ($secure_link = "0") { return 410; }
                    rewrite ^ /granted$grant$name last;
                }
                location /granted/ { internal; alias \(folder)/; }
            }
        }
        """
    }

    private static let secret = "a secret of nginx"
}
