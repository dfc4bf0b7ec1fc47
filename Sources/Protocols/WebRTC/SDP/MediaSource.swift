// SPDX-License-Identifier: Apache-2.0

/// The stream and track of media: `a=msid`, RFC 8830.
public struct MediaStreamID: Hashable, Sendable {
    /// Media of one stream are played together; `-` for none.
    public var stream: String
    /// The track, where it is named.
    public var track: String?

    /// An identifier of its parts.
    public init(stream: String, track: String? = nil) {
        self.stream = stream
        self.track = track
    }
}

/// A synchronisation source that is named before its packets come: `a=ssrc`, RFC 5576 §4.1.
public struct MediaSource: Hashable, Sendable {
    /// Its number.
    public var ssrc: UInt32
    /// Sources of one sender have the same name.
    public var canonicalName: String?
    /// The stream and track, as they were told before `a=msid`.
    public var stream: MediaStreamID?

    /// A source of its parts.
    public init(ssrc: UInt32, canonicalName: String? = nil, stream: MediaStreamID? = nil) {
        self.ssrc = ssrc
        self.canonicalName = canonicalName
        self.stream = stream
    }
}

/// Sources that belong together: `a=ssrc-group`, RFC 5576 §4.2.
public struct SourceGroup: Hashable, Sendable {
    /// In what way they belong together; other ways are left out.
    public enum Semantics: String, Hashable, Sendable, CaseIterable {
        /// Media and what repairs them.
        case flowIdentification = "FID"
        /// Simulcast as it was before `rid`.
        case simulcast = "SIM"
    }

    /// In what way.
    public var semantics: Semantics
    /// The sources, the one with the media first.
    public var sources: [UInt32]

    /// A group of its parts.
    public init(semantics: Semantics, sources: [UInt32]) {
        self.semantics = semantics
        self.sources = sources
    }
}
