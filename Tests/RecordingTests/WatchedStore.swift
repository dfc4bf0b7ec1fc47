// SPDX-License-Identifier: Apache-2.0

import Bytes
import Foundation
import HLS
import Identity
import Objects
import Storage
import Synchronization
import TestKit

/// A store in memory that is watched as players would at every moment: nothing that a playlist names may be missing, what is
/// listed stays listed, and what is ended stays as it is. A share of what it is asked fails: some is not done, of some only
/// the answer is lost, and some is done when it was given up long ago.
final class WatchedStore: ObjectStore {
    private let state: Mutex<State>

    fileprivate struct State {
        var objects: [ObjectKey: (bytes: [UInt8], version: Int)] = [:]
        /// What each playlist names.
        var named: [ObjectKey: Set<ObjectKey>] = [:]
        var versions = 0
        var random: SeededRandom
        var faults = 0
        /// Writes that were given up, and after how many operations they are done after all.
        var late: [(operation: ObjectOperation, left: Int)] = []
        var isPunctual = false
        var violations: [String] = []
        var failures = 0
    }

    /// A store of which `faults` of a hundred operations fail.
    init(seed: UInt64, faults: Int) {
        state = Mutex(State(random: SeededRandom(seed: seed), faults: faults))
    }

    /// The same store without faults, for who looks at it.
    var reliable: any ObjectStore { ReliableDoor(self) }

    var violations: [String] { state.withLock { $0.violations } }

    var failures: Int { state.withLock { $0.failures } }

    /// From now on nothing is done late, as while something is deleted: what is done an hour late no store can tell from what is
    /// done now.
    func isPunctual(_ isPunctual: Bool) {
        state.withLock { state in
            state.isPunctual = isPunctual
            if isPunctual { state.doLate(all: true) }
        }
    }

    func keys(_ suffix: String) -> [String] {
        state.withLock { $0.objects.keys.map(\.description).filter { $0.hasSuffix(suffix) }.sorted() }
    }

    func perform(_ operation: ObjectOperation) async throws(StoreFailure) -> ObjectOutcome {
        await Task.yield()
        let result = state.withLock { state -> Result<ObjectOutcome, StoreFailure> in
            state.doLate(all: false)
            guard Int.random(in: 0..<100, using: &state.random) < state.faults else { return state.done(operation) }
            state.failures += 1
            let kind = Int.random(in: 0..<3, using: &state.random)
            guard kind > 0 else { return .failure(.serverFailed(503)) }
            if kind == 1 {
                _ = state.done(operation)
            } else if case .put = operation, !state.isPunctual {
                state.late.append((operation, Int.random(in: 1...12, using: &state.random)))
            }
            return .failure(.timedOut)
        }
        return try result.get()
    }

    fileprivate func performReliably(_ operation: ObjectOperation) throws(StoreFailure) -> ObjectOutcome {
        try state.withLock { $0.done(operation) }.get()
    }

    private struct ReliableDoor: ObjectStore {
        let store: WatchedStore

        init(_ store: WatchedStore) { self.store = store }

        func perform(_ operation: ObjectOperation) async throws(StoreFailure) -> ObjectOutcome {
            try store.performReliably(operation)
        }
    }
}

extension WatchedStore.State {
    fileprivate mutating func doLate(all: Bool) {
        for index in late.indices { late[index].left -= 1 }
        let due = late.filter { all || $0.left <= 0 }
        late.removeAll { all || $0.left <= 0 }
        for each in due { _ = done(each.operation) }
    }

    fileprivate mutating func done(_ operation: ObjectOperation) -> Result<ObjectOutcome, StoreFailure> {
        switch operation {
        case .put(let key, let content, let condition): return put(key, content.bytes, if: condition)
        case .get(let key, _):
            guard let (bytes, version) = objects[key] else { return .failure(.notFound) }
            return .success(.content(StoredContent(bytes: bytes, version: ObjectVersion("\(version)"))))
        case .head(let key):
            guard let (bytes, version) = objects[key] else { return .failure(.notFound) }
            let described = ObjectDescription(size: .bytes(bytes.count), version: ObjectVersion("\(version)"))
            return .success(.found(described))
        case .list(let prefix, _, _):
            let keys = objects.keys.filter { $0.description.hasPrefix(prefix) }.sorted()
            let listed = keys.map { ListedObject(key: $0, size: .bytes(objects[$0]?.bytes.count ?? 0)) }
            return .success(.page(ObjectPage(objects: listed, next: nil)))
        case .delete(let key):
            for (playlist, names) in named where playlist != key && names.contains(key) {
                violations.append("\(key) is deleted, and \(playlist) names it")
            }
            (objects[key], named[key]) = (nil, nil)
            return .success(.removed)
        }
    }

    private mutating func put(
        _ key: ObjectKey, _ bytes: [UInt8], if condition: ObjectCondition
    ) -> Result<ObjectOutcome, StoreFailure> {
        switch condition {
        case .none: break
        case .absent: if objects[key] != nil { return .failure(.conditionFailed) }
        case .matches(let version):
            guard objects[key].map({ "\($0.version)" == version.description }) ?? false else {
                return .failure(.conditionFailed)
            }
        }
        if key.description.hasSuffix(".m3u8") { look(at: key, bytes, after: objects[key]?.bytes) }
        versions += 1
        objects[key] = (bytes, versions)
        return .success(.written(ObjectVersion("\(versions)")))
    }

    /// What a player thinks of a playlist that is written.
    private mutating func look(at key: ObjectKey, _ bytes: [UInt8], after former: [UInt8]?) {
        let names = Self.names(in: bytes, at: key)
        for name in names where objects[name] == nil { violations.append("\(key) names \(name), which is not there") }
        named[key] = names
        guard let playlist = try? StoredPlaylist(parsing: bytes), !playlist.segments.isEmpty,
            let before = former.flatMap({ try? StoredPlaylist(parsing: $0) })
        else { return }
        let isGrown = playlist.segments.starts(with: before.segments)
        if !isGrown { violations.append("\(key) has changed what it listed") }
        if before.isEnded, playlist != before { violations.append("\(key) goes on behind its end") }
    }

    /// The objects that a playlist names, but those of gaps.
    private static func names(in bytes: [UInt8], at key: ObjectKey) -> Set<ObjectKey> {
        let folder = key.description.split(separator: "/").dropLast()
        var (names, isGap) = (Set<ObjectKey>(), false)
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
            if line == "#EXT-X-GAP" { isGap = true }
            let map = "#EXT-X-MAP:URI=\""
            let uri = line.hasPrefix(map) ? line.dropFirst(map.count).prefix { $0 != "\"" } : line
            guard !uri.hasPrefix("#") else { continue }
            defer { isGap = uri.hasSuffix(".m4s") ? false : isGap }
            if isGap, uri.hasSuffix(".m4s") { continue }
            var path = Array(folder)
            for part in uri.split(separator: "/") { if part == ".." { _ = path.popLast() } else { path.append(part) } }
            if let name = ObjectKey(parsing: path.joined(separator: "/")) { names.insert(name) }
        }
        return names
    }
}
