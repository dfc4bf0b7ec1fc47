// SPDX-License-Identifier: Apache-2.0

import Bytes
import Identity
import TestKit
import Testing
import Upload

@Suite("An upload queue")
struct UploadQueueTests {
    @Test("writes the init section, the segment, the media playlist and the multivariant playlist in that order")
    func order() {
        var queue = UploadQueue(renditions: [.main])
        #expect(queue.offer(initSection: 1, of: .main, size: 700, now: .zero) == [.upload(.initSection(.main, 1))])
        #expect(queue.offer(segment(7), now: .zero) == [.upload(.segment(.main, 7))])
        #expect(queue.uploaded(.segment(.main, 7), now: .zero) == [.release(.segment(.main, 7))])
        #expect(
            queue.uploaded(.initSection(.main, 1), now: .zero)
                == [.release(.initSection(.main, 1)), .writePlaylist(.main, through: 7, isLast: false)])
        #expect(queue.stored(.media(.main), now: .zero) == [.writeMultivariant, .stored(7)])
        #expect(queue.stored(.multivariant, now: .zero) == [])
        #expect(queue.nextDeadline == nil)
    }

    @Test("lists no segment before those in front of it")
    func contiguous() {
        var queue = begun()
        _ = queue.offer(segment(2), now: .zero)
        _ = queue.offer(segment(3), now: .zero)
        #expect(queue.uploaded(.segment(.main, 3), now: .zero) == [.release(.segment(.main, 3))])
        #expect(
            queue.uploaded(.segment(.main, 2), now: .zero)
                == [.release(.segment(.main, 2)), .writePlaylist(.main, through: 3, isLast: false)])
    }

    @Test("writes one playlist at a time, and then only the newest")
    func coalescing() {
        var queue = begun()
        for msn in UInt64(2)...4 {
            _ = queue.offer(segment(msn), now: .zero)
            let directives = queue.uploaded(.segment(.main, msn), now: .zero)
            #expect(directives.contains(.writePlaylist(.main, through: msn, isLast: false)) == (msn == 2))
        }
        #expect(
            queue.stored(.media(.main), now: .zero)
                == [.writePlaylist(.main, through: 4, isLast: false), .stored(2)])
    }

    @Test("tells the feed only what all renditions list")
    func renditions() throws {
        let other = try #require(RenditionName(parsing: "low"))
        var queue = UploadQueue(renditions: [.main, other])
        var directives: [UploadQueue.Directive] = []
        for name in [RenditionName.main, other] {
            _ = queue.offer(initSection: 1, of: name, size: 1, now: .zero)
            _ = queue.offer(SegmentUpload(rendition: name, msn: 5, parameters: 1, size: 9), now: .zero)
            _ = queue.uploaded(.initSection(name, 1), now: .zero)
            _ = queue.uploaded(.segment(name, 5), now: .zero)
            directives = queue.stored(.media(name), now: .zero)
            #expect(directives.contains(.stored(5)) == (name == other))
        }
        #expect(directives == [.writeMultivariant, .stored(5)])
    }

    @Test("tries again after a random wait below a bound that doubles, and not before what the store asks")
    func retries() {
        var queue = begun()
        var random = SeededRandom(seed: 1)
        _ = queue.offer(segment(2), now: .zero)
        var longest = Duration.zero
        for failure in 0..<8 {
            let now = Duration.seconds(failure * 10)
            #expect(queue.failed(.segment(.main, 2), now: now, using: &random).filter { $0 != .troubled } == [])
            let wait = (queue.nextDeadline ?? .zero) - now
            #expect(wait <= min(.seconds(2), .milliseconds(100 << failure)))
            longest = max(longest, wait)
            #expect(queue.tick(now: now + wait).contains(.upload(.segment(.main, 2))))
        }
        #expect(longest > .milliseconds(100))
        _ = queue.failed(.segment(.main, 2), asked: .seconds(9), now: .zero, using: &random)
        #expect(queue.nextDeadline == .seconds(9))
    }

    @Test("goes on with a gap when one segment can not be stored and others can, and keeps to it")
    func gap() {
        var queue = begun()
        var random = SeededRandom(seed: 2)
        _ = queue.offer(segment(2), now: .zero)
        _ = queue.offer(segment(3), now: .zero)
        _ = queue.failed(.segment(.main, 2), asked: .seconds(60), now: .zero, using: &random)
        _ = queue.uploaded(.segment(.main, 3), now: .seconds(1))
        #expect(queue.nextDeadline == .seconds(7))
        #expect(queue.tick(now: .seconds(6)) == [])
        #expect(
            queue.tick(now: .seconds(7)) == [
                .gap(.main, 2), .release(.segment(.main, 2)), .writePlaylist(.main, through: 3, isLast: false),
            ])
        #expect(queue.stored(.media(.main), now: .seconds(7)) == [.stored(3)])
        #expect(queue.tick(now: .seconds(60)) == [] && queue.nextDeadline == nil)
        #expect(queue.finish(now: .seconds(61)) == [.writePlaylist(.main, through: 3, isLast: true)])
        #expect(queue.stored(.media(.main), now: .seconds(61)) == [.done])
    }

    @Test("keeps to a gap whose segment was on its way when it was given up")
    func lateUpload() {
        var queue = begun()
        for msn in UInt64(2)...3 { _ = queue.offer(segment(msn), now: .zero) }
        _ = queue.uploaded(.segment(.main, 3), now: .zero)
        #expect(queue.tick(now: .seconds(6)).contains(.gap(.main, 2)))
        #expect(queue.uploaded(.segment(.main, 2), now: .seconds(7)) == [])
        _ = queue.stored(.media(.main), now: .seconds(7))
        #expect(queue.finish(now: .seconds(8)) == [.writePlaylist(.main, through: 3, isLast: true)])
    }

    @Test("leaves no gap where the store is back after an outage and takes the newest first")
    func comingBack() {
        var queue = begun()
        var random = SeededRandom(seed: 3)
        for msn in 2...4 as ClosedRange<UInt64> {
            _ = queue.offer(segment(msn), now: .zero)
            _ = queue.failed(.segment(.main, msn), now: .seconds(60), using: &random)
        }
        _ = queue.tick(now: .seconds(63))
        #expect(!queue.uploaded(.segment(.main, 4), now: .seconds(63)).contains(.gap(.main, 2)))
        #expect(!queue.uploaded(.segment(.main, 3), now: .seconds(64)).contains(.gap(.main, 2)))
        #expect(
            queue.uploaded(.segment(.main, 2), now: .seconds(65))
                .contains(.writePlaylist(.main, through: 4, isLast: false)))
    }

    @Test("keeps all segments of a store that takes nothing, and tells the operator once")
    func outage() {
        var queue = begun()
        var random = SeededRandom(seed: 3)
        var troubles = 0
        for msn in UInt64(2)..<40 {
            var directives = queue.offer(segment(msn), now: .seconds(Int(msn) * 2))
            while let id = directives.compactMap(\.uploading).first {
                troubles += directives.count { $0 == .troubled }
                directives = queue.failed(id, asked: .seconds(60), now: .seconds(Int(msn) * 2), using: &random)
            }
            troubles += directives.count { $0 == .troubled }
            #expect(!directives.contains { if case .gap = $0 { true } else { false } })
        }
        #expect(troubles == 1)
    }

    @Test("moves the newest to the disk when memory is full, and loses the oldest when the disk is")
    func room() {
        var settings = UploadSettings()
        settings.memoryLimit = .bytes(20_000)
        settings.diskLimit = .bytes(20_000)
        settings.concurrency = 1
        var queue = begun(settings)
        #expect(queue.offer(segment(2), now: .zero) == [.upload(.segment(.main, 2))])
        #expect(queue.offer(segment(3), now: .zero) == [])
        #expect(queue.offer(segment(4), now: .zero) == [.spill(.segment(.main, 4))])
        #expect(queue.spilled(.segment(.main, 4), now: .zero) == [])
        #expect(queue.offer(segment(5), now: .zero) == [.spill(.segment(.main, 5))])
        #expect(queue.spilled(.segment(.main, 5), now: .zero) == [])
        #expect(
            queue.offer(segment(6), now: .zero) == [.gap(.main, 3), .lost(.main, 3), .release(.segment(.main, 3))])
        #expect(queue.uploaded(.segment(.main, 2), now: .zero).contains(.upload(.segment(.main, 4))))
    }

    @Test("loses the oldest when the disk refuses")
    func brokenDisk() {
        var settings = UploadSettings()
        settings.memoryLimit = .bytes(20_000)
        settings.concurrency = 1
        var queue = begun(settings)
        for msn in UInt64(2)...3 { _ = queue.offer(segment(msn), now: .zero) }
        #expect(queue.offer(segment(4), now: .zero) == [.spill(.segment(.main, 4))])
        #expect(
            queue.spillFailed(.segment(.main, 4), now: .zero)
                == [.gap(.main, 3), .lost(.main, 3), .release(.segment(.main, 3))])
    }

    @Test("keeps what is on a disk that takes no more, and loses the oldest of what is in memory")
    func fullDisk() {
        var settings = UploadSettings()
        settings.memoryLimit = .bytes(20_000)
        settings.concurrency = 1
        var queue = begun(settings)
        for msn in UInt64(2)...4 { _ = queue.offer(segment(msn), now: .zero) }
        _ = queue.spilled(.segment(.main, 4), now: .zero)
        #expect(queue.offer(segment(5), now: .zero) == [.spill(.segment(.main, 5))])
        #expect(
            queue.spillFailed(.segment(.main, 5), now: .zero)
                == [.gap(.main, 3), .lost(.main, 3), .release(.segment(.main, 3))])
        #expect(queue.tick(now: .seconds(1)).isEmpty)
    }

    @Test("goes on without a segment that is gone from the disk")
    func vanished() {
        var queue = begun()
        for msn in UInt64(2)...3 { _ = queue.offer(segment(msn), now: .zero) }
        #expect(
            queue.vanished(.segment(.main, 2), now: .zero)
                == [
                    .gap(.main, 2), .lost(.main, 2), .release(.segment(.main, 2)),
                    .writePlaylist(.main, through: 2, isLast: false),
                ])
        #expect(queue.vanished(.segment(.main, 2), now: .zero).isEmpty)
    }

    @Test("goes on where a predecessor's playlists end")
    func successor() {
        var queue = UploadQueue(renditions: [.main], after: 9)
        #expect(queue.offer(segment(8), now: .zero) == [.release(.segment(.main, 8))])
        #expect(queue.offer(segment(9), now: .zero) == [.release(.segment(.main, 9))])
        #expect(queue.offer(segment(10), now: .zero) == [.upload(.segment(.main, 10))])
    }

    @Test("lists what nobody holds as a gap")
    func skip() {
        var queue = begun()
        #expect(
            queue.skip(2, now: .zero) == [.gap(.main, 2), .writePlaylist(.main, through: 2, isLast: false)])
    }

    @Test("lets all go when somebody else has the stream")
    func stop() {
        var queue = begun()
        _ = queue.offer(segment(2), now: .zero)
        #expect(queue.stop() == [.release(.segment(.main, 2)), .done])
        #expect(queue.tick(now: .seconds(9)) == [] && queue.nextDeadline == nil)
    }

    @Test("writes the multivariant playlist again behind a media playlist that may have another name")
    func renamed() {
        var queue = begun()
        var random = SeededRandom(seed: 7)
        _ = queue.offer(segment(2), now: .zero)
        _ = queue.uploaded(.segment(.main, 2), now: .zero)
        #expect(queue.failed(.media(.main), isRenamed: true, now: .zero, using: &random) == [])
        #expect(queue.tick(now: .seconds(2)) == [.writePlaylist(.main, through: 2, isLast: false)])
        #expect(queue.stored(.media(.main), now: .seconds(2)) == [.writeMultivariant, .stored(2)])
    }

    @Test("names media playlists anew when all are written under their new names, and not before")
    func renamedTogether() throws {
        let other = try #require(RenditionName(parsing: "low"))
        var queue = UploadQueue(renditions: [.main, other])
        var random = SeededRandom(seed: 8)
        for name in [RenditionName.main, other] {
            _ = queue.offer(initSection: 1, of: name, size: 1, now: .zero)
            _ = queue.offer(SegmentUpload(rendition: name, msn: 5, parameters: 1, size: 9), now: .zero)
            _ = queue.uploaded(.initSection(name, 1), now: .zero)
            _ = queue.uploaded(.segment(name, 5), now: .zero)
            _ = queue.stored(.media(name), now: .zero)
        }
        _ = queue.stored(.multivariant, now: .zero)
        for name in [RenditionName.main, other] {
            _ = queue.offer(SegmentUpload(rendition: name, msn: 6, parameters: 1, size: 9), now: .zero)
            _ = queue.uploaded(.segment(name, 6), now: .zero)
        }
        // The other's was on its way under its old name.
        _ = queue.failed(.media(.main), isRenamed: true, now: .zero, using: &random)
        #expect(queue.stored(.media(other), now: .zero) == [.writePlaylist(other, through: 6, isLast: false)])
        #expect(queue.tick(now: .seconds(2)) == [.writePlaylist(.main, through: 6, isLast: false)])
        #expect(queue.stored(.media(.main), now: .seconds(2)) == [.stored(6)])
        #expect(queue.stored(.media(other), now: .seconds(2)) == [.writeMultivariant])
    }

    @Test("writes the multivariant playlist when there is something to name again, where for a while there was nothing")
    func nothingToName() {
        var queue = begun()
        var random = SeededRandom(seed: 9)
        _ = queue.offer(segment(2), now: .zero)
        _ = queue.uploaded(.segment(.main, 2), now: .zero)
        _ = queue.failed(.media(.main), isRenamed: true, now: .zero, using: &random)
        _ = queue.tick(now: .seconds(2))
        #expect(queue.stored(.media(.main), isEmpty: true, now: .seconds(2)) == [.stored(2)])
        _ = queue.offer(segment(3), now: .seconds(3))
        _ = queue.uploaded(.segment(.main, 3), now: .seconds(3))
        #expect(queue.stored(.media(.main), now: .seconds(3)) == [.writeMultivariant, .stored(3)])
    }

    @Test("is done at once when it ends idle, but for the last playlist")
    func ending() {
        var queue = begun()
        #expect(queue.finish(now: .seconds(5)) == [.writePlaylist(.main, through: 1, isLast: true)])
        #expect(queue.stored(.media(.main), now: .seconds(5)) == [.done])
        var empty = UploadQueue(renditions: [.main])
        #expect(empty.finish(now: .zero) == [.done])
    }

    private func segment(_ msn: UInt64) -> SegmentUpload {
        SegmentUpload(rendition: .main, msn: msn, parameters: 1, size: 10_000)
    }

    /// A queue whose first segment is stored and listed.
    private func begun(_ settings: UploadSettings = UploadSettings()) -> UploadQueue {
        var queue = UploadQueue(renditions: [.main], settings: settings)
        _ = queue.offer(initSection: 1, of: .main, size: 700, now: .zero)
        _ = queue.uploaded(.initSection(.main, 1), now: .zero)
        _ = queue.offer(segment(1), now: .zero)
        _ = queue.uploaded(.segment(.main, 1), now: .zero)
        _ = queue.stored(.media(.main), now: .zero)
        _ = queue.stored(.multivariant, now: .zero)
        return queue
    }
}

extension UploadQueue.Directive {
    /// What an upload is of.
    var uploading: UploadID? {
        if case .upload(let id) = self { id } else { nil }
    }
}
