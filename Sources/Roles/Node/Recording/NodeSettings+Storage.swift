// SPDX-License-Identifier: Apache-2.0

import Bytes
import Edge
import Foundation
import Media
import ObjectStorage
import Objects
package import Recording
import Storage
import Transport
import Upload

extension NodeSettings {
    /// Opens a store as the settings say; nil where there is none.
    /// - Parameter attempts: of each operation; 1 for who has a schedule of its own.
    func objectStore(_ client: OutboundClient, metrics: StoreMetrics, attempts: Int) throws -> (any ObjectStore)? {
        var patience = StoreSettings()
        patience.timeout = storage.timeout
        patience.attempts = attempts
        func remote(_ dialect: some StoreDialect) -> any ObjectStore {
            RemoteStore(dialect, client: client, settings: patience, metrics: metrics, wall: SystemClock.wall)
        }
        switch storage.kind {
        case .none: return nil
        case .file:
            let path = storage.path ?? ""
            return try Self.opened(path, as: "storage.path") { () throws(StoreFailure) in try FileStore(path: path) }
        case .s3: return remote(S3Dialect(try s3(.amazon)))
        case .azure: return remote(try azure())
        case .gcs:
            guard let file = storage.credentials else { return remote(S3Dialect(try s3(.google))) }
            return remote(try google(file))
        }
    }

    /// The folder of segments that wait; nil where there is none.
    func spillStore() throws -> (any ObjectStore)? {
        try storage.spill.map { path in
            try Self.opened(path, as: "storage.spill") { () throws(StoreFailure) in
                try FileStore(ofThisProcessBelow: path)
            }
        }
    }

    /// How streams are recorded.
    package var recordingSettings: RecordingSettings {
        var settings = RecordingSettings()
        settings.upload.concurrency = storage.concurrency
        settings.upload.memoryLimit = storage.memory
        settings.upload.diskLimit = storage.spillLimit
        settings.upload.patience = hls.segmentTarget * 3
        settings.upload.partLifetime = hls.segmentTarget * 3
        // Playlists list a part for three target durations: longer than this only with segments of more than ten seconds.
        settings.upload.partRetention = hls.segmentTarget * hls.window + .seconds(30)
        settings.storesParts = storage.parts
        settings.apps = Set(storage.record)
        settings.retention = Dictionary(storage.retention.compactMap(StorageSettings.keeping)) { _, last in last }
        settings.resumption = storage.resume
        settings.reach = rewindReach.map { RewindDesk.reach($0) } ?? .zero
        settings.longest = max(1, Int(storage.longest / hls.segmentTarget))
        return settings
    }

    private static func opened(
        _ path: String, as setting: String, _ open: () throws(StoreFailure) -> FileStore
    ) throws -> FileStore {
        do throws(StoreFailure) {
            return try open()
        } catch {
            throw SettingsFailure(lines: ["\(setting): \(path): \(error)"])
        }
    }

    private enum Signer { case amazon, google }

    private func s3(_ signer: Signer) throws -> S3Settings {
        let credentials = try StoreCredentials(storage)
        let scheme: SigningScheme =
            switch signer {
            case .amazon:
                .amazon(accessKey: credentials.account, secret: credentials.secret, region: storage.region)
            case .google: .google(accessKey: credentials.account, secret: credentials.secret)
            }
        let own = signer == .google ? "https://storage.googleapis.com" : "https://s3.\(storage.region).amazonaws.com"
        var settings = S3Settings(endpoint: endpoint ?? own, bucket: storage.bucket ?? "", scheme: scheme)
        settings.addressing = storage.addressing == .host ? .host : .path
        settings.sessionToken = credentials.sessionToken
        return settings
    }

    private func azure() throws -> AzureDialect {
        let credentials = try StoreCredentials(storage)
        let isSignature = credentials.secret.contains("sig=")
        let credential: AzureCredential
        if isSignature {
            credential = .sharedAccess(String(credentials.secret.drop { $0 == "?" }))
        } else if let key = AzureKey(account: credentials.account, base64: credentials.secret) {
            credential = .sharedKey(key)
        } else {
            throw SettingsFailure(lines: ["storage.secret: neither a key in base64 nor a shared access signature"])
        }
        let own = "https://\(credentials.account).blob.core.windows.net"
        return AzureDialect(
            AzureSettings(endpoint: endpoint ?? own, container: storage.bucket ?? "", credential: credential))
    }

    private func google(_ file: String) throws -> GoogleDialect {
        let text = try StoreCredentials.text(of: file)
        do throws(ServiceAccountFailure) {
            let account = try ServiceAccount(parsing: Array(text.utf8))
            return GoogleDialect(
                bucket: storage.bucket ?? "", account: account, endpoint: endpoint ?? "https://storage.googleapis.com")
        } catch {
            throw SettingsFailure(lines: ["storage.credentials: \(file) is no service account's key (\(error))"])
        }
    }

    private var endpoint: String? {
        storage.endpoint.map { $0.hasSuffix("/") ? String($0.dropLast()) : $0 }
    }
}
