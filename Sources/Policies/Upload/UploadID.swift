// SPDX-License-Identifier: Apache-2.0

public import Identity

/// Something of a stream that is written to the object store once and never changes.
public enum UploadID: Hashable, Sendable {
    /// An init section, by its number.
    case initSection(RenditionName, UInt32)
    /// A segment, by its media sequence number.
    case segment(RenditionName, UInt64)
    /// A part of a segment, by that and by its number in it.
    case part(RenditionName, UInt64, Int)

    /// Whether it is a part, which is of use for a while only.
    public var isPart: Bool {
        if case .part = self { true } else { false }
    }
}

/// A segment that is to be uploaded.
public struct SegmentUpload: Hashable, Sendable {
    /// Of which rendition.
    public var rendition: RenditionName
    /// Its media sequence number, one above the rendition's last.
    public var msn: UInt64
    /// The number of the init section without which it can not be played.
    public var parameters: UInt32
    /// How long it is, in bytes.
    public var size: Int

    /// A segment to be uploaded.
    public init(rendition: RenditionName, msn: UInt64, parameters: UInt32, size: Int) {
        self.rendition = rendition
        self.msn = msn
        self.parameters = parameters
        self.size = size
    }
}

/// A playlist in the store.
public enum UploadedPlaylist: Hashable, Sendable {
    /// Of one rendition.
    case media(RenditionName)
    /// Of the whole stream.
    case multivariant
}
