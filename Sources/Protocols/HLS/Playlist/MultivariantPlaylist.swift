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
    /// - Parameters:
    ///   - others: where else the stream can be had. With any, the player is told to ask for a steering manifest, which stands
    ///     beside the playlist.
    ///   - query: what media playlists are to be asked with; empty for nothing.
    public init?(
        of window: borrowing MediaWindow, address: Address = .relative, others: [Pathway] = [], query: String = ""
    ) {
        guard let key = window.currentKey, let state = window.state(key), let variants = window.variants(in: state)
        else { return nil }
        var text = PlaylistText(capacity: 512)
        text.append("#EXTM3U\n#EXT-X-VERSION:6\n")
        var areIndependent = true
        for variant in variants where !window.areIndependent(state, variant.rendition) { areIndependent = false }
        if areIndependent { text.append("#EXT-X-INDEPENDENT-SEGMENTS\n") }
        let own = others.isEmpty ? nil : Self.ownPathway
        if let own { Self.steer(by: address, window.stream, among: [own] + others.map(\.id), to: &text) }
        let summaries = variants.map(\.summary)
        Self.append(summaries, of: window.stream, at: address, pathway: own, query: query, to: &text)
        for other in others {
            Self.append(
                summaries, of: window.stream, at: .absolute(other.base), pathway: other.id, query: query, to: &text)
        }
        self.text = text.bytes
    }

    /// Writes the playlist of a stream that other nodes serve, each variant once for each of `pathways`, the best first
    /// (RFC 8216bis §7.1: a player whose node fails goes on at the next pathway); nil as long as nothing is known of its
    /// variants, or where there is no pathway.
    /// - Parameters:
    ///   - steering: where the player is to ask for a steering manifest; nil where it is not to ask.
    ///   - query: what media playlists are to be asked with; empty for nothing.
    public init?(
        of stream: StreamID, variants: [StreamVariant], at pathways: [Pathway], steering: Address? = nil,
        query: String = ""
    ) {
        guard !variants.isEmpty, !pathways.isEmpty else { return nil }
        var text = PlaylistText(capacity: 512)
        text.append("#EXTM3U\n#EXT-X-VERSION:6\n")
        let isOne = pathways.count == 1
        if let steering, !isOne { Self.steer(by: steering, stream, among: pathways.map(\.id), to: &text) }
        for pathway in pathways {
            let id = isOne ? nil : pathway.id
            Self.append(variants, of: stream, at: .absolute(pathway.base), pathway: id, query: query, to: &text)
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

    /// PATHWAY-ID of the node that answers: no node's name, which has no capitals.
    public static let ownPathway = "EDGE"

    /// EXT-X-CONTENT-STEERING (RFC 8216bis §4.4.6.6). The query says which pathways the playlist names, the first of which
    /// the player begins with: a manifest is about them.
    private static func steer(
        by address: Address, _ stream: StreamID, among pathways: [String], to text: inout PlaylistText
    ) {
        text.append("#EXT-X-CONTENT-STEERING:SERVER-URI=\"")
        append(address, stream: stream, to: &text)
        text.append("steering.json?at=")
        text.append(pathways.joined(separator: ","))
        text.append("\",PATHWAY-ID=\"")
        text.append(pathways.first ?? "")
        text.append("\"\n")
    }

    private static func append(
        _ variants: [StreamVariant], of stream: StreamID, at address: Address, pathway: String?, query: String,
        to text: inout PlaylistText
    ) {
        for variant in variants {
            variant.append(to: &text, pathway: pathway)
            append(address, stream: stream, to: &text)
            text.append(variant.rendition.description)
            text.append("/media.m3u8")
            text.append(query: query)
            text.append("\n")
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
