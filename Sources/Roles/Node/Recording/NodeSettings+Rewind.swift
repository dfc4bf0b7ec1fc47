// SPDX-License-Identifier: Apache-2.0

import Bytes
import Cluster
package import Edge
import HLS
import Identity
import Objects
import Recording
import Storage

extension NodeSettings {
    /// How far viewers of streams that are recorded can go back; nil where they can not.
    var rewindReach: Duration? { storage.kind != .none && dvr.window > .zero ? dvr.window : nil }

    /// How far viewers of a stream can go back; nil where they can not, as where it is not recorded.
    func rewindReach(of stream: StreamID) -> Duration? {
        recordingSettings.records(stream.app) ? rewindReach : nil
    }

    /// How viewers go back.
    package var rewindSettings: RewindSettings {
        var settings = RewindSettings()
        settings.window = dvr.window
        settings.isDefault = dvr.isDefault
        settings.base = dvr.base
        settings.memory = dvr.memory
        settings.tagsAnswers = cdn.url != nil
        return settings
    }

    /// Who knows what viewers can go back to; nil where they can not. Throws what is wrong with the folder.
    func rewindDesk(over archive: RecordingArchive?, metrics: RewindMetrics) throws -> RewindDesk? {
        guard rewindReach != nil, roles.contains(.edge), let archive else { return nil }
        var shelf: DiskShelf?
        if let disk = dvr.disk {
            do throws(StoreFailure) {
                shelf = DiskShelf(try FileStore(ofThisProcessBelow: disk), limit: dvr.diskLimit)
            } catch {
                throw SettingsFailure(lines: ["dvr.disk: \(disk): \(error)"])
            }
        }
        return RewindDesk(
            settings: rewindSettings, archive: StoredMedia(archive: archive, shelf: shelf), metrics: metrics
        ) { [recording = recordingSettings] in recording.records($0.app) }
    }
}

/// What the store has, as edges ask for it: first on the disk, where there is room for some of it.
private struct StoredMedia: MediaArchive {
    let archive: RecordingArchive
    let shelf: DiskShelf?

    func playlists(
        of stream: StreamID, _ rendition: RenditionName, reach: Duration
    ) async throws(ArchiveFailure) -> [StoredPlaylist] {
        try await told { () throws(StoreFailure) in
            try await archive.playlists(of: stream, rendition, reach: reach)
        }
    }

    func media(_ path: String) async throws(ArchiveFailure) -> FoundMedia? {
        guard let key = ObjectKey(parsing: path) else { return nil }
        if let bytes = await shelf?.take(key) { return FoundMedia(bytes, isFromDisk: true) }
        let found = try await told { () throws(StoreFailure) in try await archive.media(key) }
        if let found, let shelf { Task { await shelf.keep(found, under: key) } }
        return found.map { FoundMedia($0, isFromDisk: false) }
    }

    private func told<Value: Sendable>(
        _ ask: () async throws(StoreFailure) -> Value
    ) async throws(ArchiveFailure) -> Value {
        do throws(StoreFailure) {
            return try await ask()
        } catch {
            throw ArchiveFailure("\(error)")
        }
    }
}
