// SPDX-License-Identifier: Apache-2.0

import HLS
public import Identity
import Media
public import Objects
import Storage

/// A recording as files: the init section and the segments behind it, one after the other, are a fragmented MP4.
///
/// Where the timeline begins anew or is decoded otherwise, another file begins: what lies in one file has one clock and one
/// description of its tracks.
public struct RecordingExport: Sendable {
    private let catalogue: RecordingCatalogue
    private let name: RecordingName
    private let rendition: RenditionName

    /// The export of a rendition.
    public init(_ name: RecordingName, rendition: RenditionName, from catalogue: RecordingCatalogue) {
        self.catalogue = catalogue
        self.name = name
        self.rendition = rendition
    }

    /// What came of an export.
    public struct Summary: Hashable, Sendable {
        /// How many files it has.
        public var files = 0
        /// How many segments were written.
        public var segments = 0
        /// How many segments the recording lists without media.
        public var gaps = 0
    }

    /// Reads the recording from its beginning to its end; nil where there is none.
    /// - Parameter write: takes the number of the file, from 0, and its next bytes.
    public func run(_ write: (Int, [UInt8]) throws -> Void) async throws -> Summary? {
        guard let playlist = try await catalogue.playlist(name, rendition) else { return nil }
        var summary = Summary()
        var (former, section): (InitSectionName?, [UInt8]) = (nil, [])
        for segment in playlist.segments {
            guard !segment.isGap else {
                summary.gaps += 1
                continue
            }
            if segment.initSection != former || segment.isDiscontinuity {
                let next = try await bytes("\(segment.initSection.term)/init-\(segment.initSection.number).mp4")
                if summary.files == 0 || next != section || segment.isDiscontinuity {
                    summary.files += 1
                    try write(summary.files - 1, next)
                }
                (former, section) = (segment.initSection, next)
            }
            try write(summary.files - 1, try await bytes("\(segment.term)/\(segment.msn).m4s"))
            summary.segments += 1
        }
        return summary
    }

    private func bytes(_ file: String) async throws(StoreFailure) -> [UInt8] {
        let key = ObjectKey.known("\(name.stream)/\(rendition)/\(file)")
        guard let bytes = try await catalogue.read(key) else { throw .notFound }
        return bytes
    }
}
