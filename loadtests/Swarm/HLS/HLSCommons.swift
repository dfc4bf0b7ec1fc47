// SPDX-License-Identifier: Apache-2.0

import Bytes
import Glibc

/// What all viewers of a thread have in common: what they counted, and what one of them has read for all. A viewer by
/// itself would spend most of its time on playlists that another has read already.
public struct HLSCommons: Sendable {
    /// What they saw.
    public var tally = ViewerTally()
    var playlists = PlaylistMemory()
    var stamps = StampMemory()

    /// Nothing seen yet.
    public init() {}
}

/// Playlists by their paths. A path gives other bytes another time, so the bytes are compared.
struct PlaylistMemory: Sendable {
    private var known = Generations<KnownPlaylist>()

    mutating func read(_ body: ByteSlice, from path: String) throws(HLSPlaylist.Failure) -> KnownPlaylist {
        let key = path.withoutToken
        if let found = known[key], Self.areSame(found.body, body) { return found }
        let read = try KnownPlaylist(body)
        known[key] = read
        return read
    }

    private static func areSame(_ one: ByteSlice, _ other: ByteSlice) -> Bool {
        guard one.count == other.count else { return false }
        return one.withUnsafeBytes { left in
            other.withUnsafeBytes { right in
                guard let left = left.baseAddress, let right = right.baseAddress else { return true }
                return memcmp(left, right, one.count) == 0
            }
        }
    }
}

/// The publisher's stamps in media, by the media's paths. One viewer reads a body, all others only count its bytes.
struct StampMemory: Sendable {
    private enum Entry {
        /// A viewer is fetching it, and will look.
        case claimed
        /// The first stamp in it, if there is any.
        case read(Duration?)
    }

    private var known = Generations<Entry>()

    /// Whether the caller is to look for the stamp when it has the body.
    mutating func claim(_ path: String) -> Bool {
        let key = path.withoutToken
        guard known[key] == nil else { return false }
        known[key] = .claimed
        return true
    }

    /// Whoever claimed it did not get it.
    mutating func release(_ path: String) { known[path.withoutToken] = nil }

    mutating func read(_ body: ByteSlice, from path: String) -> Duration? {
        let stamp = FrameStamp.first(in: body)
        known[path.withoutToken] = .read(stamp)
        return stamp
    }

    /// The stamp, where it has been read and there is one.
    func stamp(_ path: String) -> Duration? {
        guard case .read(let stamp)? = known[path.withoutToken] else { return nil }
        return stamp
    }
}

/// Values by name that are forgotten some time after they were set, so that their number is bounded.
private struct Generations<Value> {
    private var young: [String: Value] = [:]
    private var old: [String: Value] = [:]

    subscript(key: String) -> Value? {
        get { young[key] ?? old[key] }
        set {
            if young.count >= Self.most {
                old = young
                young = [:]
            }
            young[key] = newValue
            if newValue == nil { old[key] = nil }
        }
    }

    private static var most: Int { 4096 }
}

extension Generations: Sendable where Value: Sendable {}

extension String {
    /// A path without the viewer's token, `/~…`, in front: what all viewers share.
    fileprivate var withoutToken: String {
        guard utf8.starts(with: "/~".utf8), let slash = utf8.dropFirst().firstIndex(of: UInt8(ascii: "/")) else {
            return self
        }
        return String(self[slash...])
    }
}
