// SPDX-License-Identifier: Apache-2.0

public import Upload

/// How streams are recorded.
public struct RecordingSettings: Hashable, Sendable {
    /// How each stream is uploaded.
    public var upload = UploadSettings()
    /// Whether parts are in the store, too, while they are of use at the live edge.
    public var storesParts = false
    /// The apps whose streams are recorded; `*` for all.
    public var apps: Set<String> = ["*"]
    /// How long a recording is kept after its end, by app; `*` for all others. Without an answer for ever. While the stream
    /// is live, those that ``reach`` covers stay.
    public var retention: [String: Duration] = [:]
    /// How far back edges list what is recorded of a stream that is live: what they list is not deleted by age.
    public var reach: Duration = .zero
    /// How old an unfinished recording may be for a stream that begins anew to go on with it.
    public var resumption: Duration = .seconds(600)
    /// How many segments a recording has at most; a longer stream makes several. What a gateway remembers of a stream, and
    /// the playlist that is written with each segment, grow with it: by about 150 and 60 bytes a segment.
    public var longest = 21_600

    /// The defaults.
    public init() {}

    /// Whether an app's streams are recorded.
    public func records(_ app: String) -> Bool { apps.contains(app) || apps.contains("*") }

    /// How long an app's recordings are kept; nil for ever.
    public func retention(of app: String) -> Duration? { retention[app] ?? retention["*"] }
}
