// SPDX-License-Identifier: Apache-2.0

/// The versions of the byte writer.
///
/// Two nodes that write the same fragment with the same version write the same bytes. Whatever changes a byte of any
/// fragment or init section makes a new version, and the writer goes on to write the older ones it lists.
///
/// | Version | What is new in it |
/// |---|---|
/// | 1 | |
/// | 2 | A segment says in `prft` which of its media was when (``ReferenceTime``). |
/// | 3 | Streams have layers, into which the sound of `main` is muxed: ``SegmentStart/firstPackagingOfLayers``. |
public enum Packaging {
    /// The newest version, which a gateway uses where all who would write the stream write it, too.
    public static let newest: UInt8 = 3
    /// The versions that this build writes.
    public static let supported: ClosedRange<UInt8> = 1...newest

    /// The first version whose segments say when they were.
    static let firstWithReferenceTime: UInt8 = 2
}
