// SPDX-License-Identifier: Apache-2.0

import Bytes
public import Cluster
import Feed
public import Identity
import Media

/// The text of a multivariant playlist (RFC 8216bis §4.4.6): one variant for each rendition, bandwidth as measured over
/// the segments listed.
public struct MultivariantPlaylist: Sendable {
    /// What stands before `{rendition}/media.m3u8` in the playlist's URIs.
    public enum Address: Hashable, Sendable {
        /// For `/{app}/{name}.m3u8`: the name's last component.
        case flat
        /// For `/{app}/{name}/index.m3u8`: nothing.
        case relative
        /// Scheme, host and, where viewers have tokens, `/~{token}`; without a slash at the end.
        case absolute(String)
    }

    /// UTF-8.
    public let text: [UInt8]

    /// Writes the playlist as it is now; nil as long as the window may not answer any.
    public init?(of window: borrowing MediaWindow, address: Address = .relative) {
        guard let key = window.currentKey, let state = window.state(key), let newest = state.listed.last,
            let birth = window.birth(of: window.segments[newest])
        else { return nil }
        var text = PlaylistText(capacity: 512)
        text.append("#EXTM3U\n#EXT-X-VERSION:6\n")
        if window.segments[state.listed].allSatisfy(\.isIndependent) { text.append("#EXT-X-INDEPENDENT-SEGMENTS\n") }
        for rendition in birth.renditions {
            let variant = Variant(rendition, birth: birth, window: window, state: state)
            variant.summary.append(to: &text)
            Self.append(address, stream: window.stream, to: &text)
            text.append(rendition.description)
            text.append("/media.m3u8\n")
        }
        self.text = text.bytes
    }

    /// Writes the playlist of a stream that other nodes serve, each variant once for each of `pathways`, the best first
    /// (RFC 8216bis §7.1: a player whose node fails goes on at the next pathway); nil as long as nothing is known of its
    /// variants, or where there is no pathway.
    public init?(of stream: StreamID, variants: [StreamVariant], at pathways: [Pathway]) {
        guard !variants.isEmpty, !pathways.isEmpty else { return nil }
        var text = PlaylistText(capacity: 512)
        text.append("#EXTM3U\n#EXT-X-VERSION:6\n")
        for pathway in pathways {
            for variant in variants {
                variant.append(to: &text, pathway: pathways.count > 1 ? pathway.id : nil)
                Self.append(.absolute(pathway.base), stream: stream, to: &text)
                text.append(variant.rendition.description)
                text.append("/media.m3u8\n")
            }
        }
        self.text = text.bytes
    }

    /// Writes the playlist of a recording in the object store, whose media playlists are elsewhere than a node's.
    /// - Parameter uri: where the media playlist of a rendition is, relative to this one, not yet escaped.
    public init(of variants: [StreamVariant], at uri: (RenditionName) -> String) {
        var text = PlaylistText(capacity: 512)
        text.append("#EXTM3U\n#EXT-X-VERSION:6\n")
        for variant in variants {
            variant.append(to: &text)
            text.append(percentEncoding: uri(variant.rendition))
            text.append("\n")
        }
        self.text = text.bytes
    }

    /// A node at which a stream can be had.
    public struct Pathway: Hashable, Sendable {
        /// PATHWAY-ID: letters, digits, `.`, `-` and `_` (RFC 8216bis §4.4.6.2).
        public let id: String
        /// Scheme, host and, where viewers have tokens, `/~{token}`; without a slash at the end.
        public let base: String

        /// A pathway of its parts.
        public init(id: String, base: String) {
            self.id = id
            self.base = base
        }
    }

    private static func append(_ address: Address, stream: StreamID, to text: inout PlaylistText) {
        switch address {
        case .relative: return
        case .flat:
            let name = stream.name
            text.append(percentEncoding: String(name.split(separator: "/").last ?? name[...]))
        case .absolute(let base):
            text.append(base)
            text.append("/")
            text.append(percentEncoding: stream.app)
            text.append("/")
            text.append(percentEncoding: stream.name)
        }
        text.append("/")
    }
}
