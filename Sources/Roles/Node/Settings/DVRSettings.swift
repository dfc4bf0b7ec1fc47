// SPDX-License-Identifier: Apache-2.0

public import Bytes

/// `dvr.…`: how far viewers can go back in a stream that is recorded.
public struct DVRSettings: Sendable, Equatable {
    /// How far; zero for not at all.
    public var window = Duration.seconds(7200)
    /// Whether playlists reach back where a request does not say.
    public var isDefault = false
    /// Where viewers fetch old segments instead of from edges; nil for edges.
    public var base: String?
    /// What old segments may take of an edge's memory.
    public var memory = ByteCount.mebibytes(64)
    /// The folder of old segments on the edge's disk; nil for none.
    public var disk: String?
    /// What old segments may take of that disk.
    public var diskLimit = ByteCount.mebibytes(4096)

    /// The defaults.
    public init() {}

    /// Scheme, host and port of ``base``.
    var origin: String? {
        base.map { $0.split(separator: "/", omittingEmptySubsequences: false).prefix(3).joined(separator: "/") }
    }

    /// What is wrong, each as a sentence.
    func contradictions(beside settings: NodeSettings) -> [String] {
        var found: [String] = []
        if settings.storage.kind == .none, base != nil || disk != nil {
            found.append("dvr.url and dvr.disk need storage.kind")
        }
        let folders = [settings.storage.path, settings.storage.spill].compactMap { $0 }
        if let disk, folders.contains(disk) {
            found.append("dvr.disk is another folder than storage.path and storage.spill")
        }
        let isSigned = settings.cdn.url != nil && settings.cdn.signer != .none
        if settings.storage.kind != .none, isSigned, window > settings.cdn.tokenLife {
            found.append("dvr.window is at most cdn.token_life: what is listed must be let in")
        }
        return found
    }
}
