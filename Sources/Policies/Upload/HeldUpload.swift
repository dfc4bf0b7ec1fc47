// SPDX-License-Identifier: Apache-2.0

/// An upload whose bytes are still held.
struct HeldUpload {
    let id: UploadID
    /// What it takes of the limits: at least 4 KiB, so that a limit of bytes bounds their number as well.
    let cost: Int
    /// The init section that a segment needs.
    let parameters: UInt32
    /// When a later segment of its rendition was stored first: since then the playlist waits for this one alone.
    var overtaken: Duration?
    var state: State = .waiting(until: nil)
    var place: Place = .memory
    var failures = 0

    init(_ id: UploadID, size: Int, parameters: UInt32) {
        self.id = id
        cost = Self.cost(of: size)
        self.parameters = parameters
    }

    /// What so many bytes take of the limits.
    static func cost(of size: Int) -> Int { max(size, 4096) }

    /// What is done with it.
    enum State: Equatable {
        /// Waits for its turn; after a failure not before a time.
        case waiting(until: Duration?)
        /// Is on its way.
        case uploading
    }

    /// Where its bytes are.
    enum Place: Equatable {
        case memory
        /// On the way to the disk, and in memory until it is there.
        case moving
        case disk
    }

    /// Whether it may be uploaded now.
    func isReady(now: Duration) -> Bool {
        guard case .waiting(let time) = state, place != .moving else { return false }
        return (time ?? now) <= now
    }

    /// When it may be tried again, if that is a matter of time.
    var deadline: Duration? {
        if case .waiting(let time) = state, place != .moving { time } else { nil }
    }

    var isSegment: Bool {
        if case .segment = id { true } else { false }
    }
}
