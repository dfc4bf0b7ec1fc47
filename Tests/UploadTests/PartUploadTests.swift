// SPDX-License-Identifier: Apache-2.0

import Bytes
import Identity
import TestKit
import Testing
import Upload

@Suite("An upload queue that is given parts")
struct PartUploadTests {
    @Test("uploads them where segments leave room, and half as much at a time")
    func room() {
        var queue = begun()
        #expect(queue.offer(part: 0, of: 2, in: .main, size: 5000, now: .zero) == [.upload(part(2, 0))])
        #expect(queue.offer(part: 1, of: 2, in: .main, size: 5000, now: .zero) == [.upload(part(2, 1))])
        #expect(queue.offer(part: 2, of: 2, in: .main, size: 5000, now: .zero) == [])
        #expect(queue.offer(segment(2), now: .zero) == [.upload(.segment(.main, 2))])
        #expect(queue.uploaded(part(2, 0), now: .zero) == [.upload(part(2, 2))])
    }

    @Test("uploads a segment before the parts that waited for longer")
    func order() {
        var queue = begun(concurrency: 1)
        _ = queue.offer(segment(2), now: .zero)
        #expect(queue.offer(part: 0, of: 4, in: .main, size: 5000, now: .zero) == [])
        #expect(queue.offer(segment(3), now: .seconds(1)) == [])
        let next = queue.uploaded(.segment(.main, 2), now: .seconds(1))
        #expect(next.contains(.upload(.segment(.main, 3))) && !next.contains(.upload(part(4, 0))))
        #expect(queue.uploaded(.segment(.main, 3), now: .seconds(1)).contains(.upload(part(4, 0))))
    }

    @Test("drops those of a segment that is stored, and takes none of it any more")
    func overtaken() {
        var queue = begun(concurrency: 1)
        _ = queue.offer(segment(2), now: .zero)
        #expect(queue.offer(part: 0, of: 2, in: .main, size: 5000, now: .zero) == [])
        let directives = queue.uploaded(.segment(.main, 2), now: .zero)
        #expect(directives.contains(.drop(part(2, 0))) && directives.contains(.release(part(2, 0))))
        #expect(!directives.contains(.upload(part(2, 0))))
        #expect(queue.offer(part: 1, of: 2, in: .main, size: 5000, now: .zero) == [.release(part(2, 1))])
    }

    @Test("drops one that waited for as long as it is of use")
    func late() {
        var queue = begun(concurrency: 1)
        _ = queue.offer(segment(2), now: .zero)
        _ = queue.offer(part: 0, of: 3, in: .main, size: 5000, now: .seconds(1))
        #expect(queue.tick(now: .milliseconds(6999)) == [])
        #expect(queue.tick(now: .seconds(7)) == [.drop(part(3, 0)), .release(part(3, 0))])
    }

    @Test("tries one again while it is of use, and removes later what may be there all the same")
    func retries() {
        var queue = begun()
        var random = SeededRandom(seed: 1)
        _ = queue.offer(part: 0, of: 2, in: .main, size: 5000, now: .zero)
        #expect(queue.failed(part(2, 0), asked: .seconds(2), now: .zero, using: &random) == [])
        #expect(queue.nextDeadline == .seconds(2))
        #expect(queue.tick(now: .seconds(2)) == [.upload(part(2, 0))])
        #expect(
            queue.failed(part(2, 0), asked: .seconds(5), now: .seconds(2), using: &random) == [.drop(part(2, 0))])
        #expect(queue.nextDeadline == .seconds(62))
        #expect(queue.tick(now: .seconds(62)) == [.remove(part(2, 0))])
        #expect(queue.removed(part(2, 0), now: .seconds(62)) == [.release(part(2, 0))])
        #expect(queue.nextDeadline == nil)
    }

    @Test("removes it when nobody asks for it any more, and tries that again")
    func retention() {
        var queue = begun()
        var random = SeededRandom(seed: 2)
        _ = queue.offer(part: 0, of: 2, in: .main, size: 5000, now: .zero)
        #expect(queue.uploaded(part(2, 0), now: .seconds(1)) == [])
        #expect(queue.nextDeadline == .seconds(61))
        #expect(queue.tick(now: .seconds(60)) == [])
        #expect(queue.tick(now: .seconds(61)) == [.remove(part(2, 0))])
        #expect(queue.nextDeadline == .seconds(361))
        var again = queue.removalFailed(part(2, 0), now: .seconds(61), using: &random)
        again += queue.tick(now: .seconds(62))
        #expect(again == [.remove(part(2, 0))])
        #expect(queue.removed(part(2, 0), now: .seconds(62)) == [.release(part(2, 0))])
    }

    @Test("is no trouble and no gap where the store takes none of them")
    func refused() {
        var queue = begun()
        var random = SeededRandom(seed: 3)
        var attempts = 0
        for number in 0..<60 {
            let now = Duration.seconds(number)
            var directives = queue.tick(now: now)
            directives += queue.offer(part: number, of: 2, in: .main, size: 5000, now: now)
            while let index = directives.firstIndex(where: { $0.uploading != nil }),
                let id = directives.remove(at: index).uploading
            {
                attempts += 1
                directives += queue.failed(id, asked: .seconds(1), now: now, using: &random)
            }
            let areDropping = directives.allSatisfy { $0.isDropping }
            #expect(areDropping, "\(directives)")
        }
        #expect(attempts > 100)
    }

    @Test("is done at the end of the stream, and removes behind that what players may still ask for")
    func end() {
        var queue = begun()
        _ = queue.offer(part: 0, of: 2, in: .main, size: 5000, now: .zero)
        _ = queue.offer(part: 1, of: 2, in: .main, size: 5000, now: .zero)
        _ = queue.uploaded(part(2, 0), now: .zero)
        #expect(queue.finish(now: .seconds(5)) == [.writePlaylist(.main, through: 1, isLast: true)])
        #expect(queue.stored(.media(.main), now: .seconds(5)) == [.done])
        #expect(queue.uploaded(part(2, 1), now: .seconds(6)) == [])
        #expect(queue.nextDeadline == .seconds(60))
        #expect(queue.tick(now: .seconds(60)) == [.remove(part(2, 0))])
        #expect(queue.removed(part(2, 0), now: .seconds(60)) == [.release(part(2, 0))])
        #expect(queue.tick(now: .seconds(66)) == [.remove(part(2, 1))])
        #expect(queue.removed(part(2, 1), now: .seconds(66)) == [.release(part(2, 1))])
        #expect(queue.nextDeadline == nil)
        #expect(queue.stop() == [])
    }

    @Test("says once that it is done, also where somebody else has the stream behind that")
    func stopBehindTheEnd() {
        var queue = begun()
        _ = queue.offer(part: 0, of: 2, in: .main, size: 5000, now: .zero)
        _ = queue.uploaded(part(2, 0), now: .zero)
        _ = queue.finish(now: .seconds(5))
        #expect(queue.stored(.media(.main), now: .seconds(5)) == [.done])
        #expect(queue.stop() == [.remove(part(2, 0)), .release(part(2, 0))])
    }

    @Test("drops those that wait where memory is full, whoever fills it")
    func memory() {
        var queue = begun(concurrency: 2, memory: .bytes(30_000))
        _ = queue.offer(segment(2), now: .zero)
        #expect(queue.offer(part: 0, of: 3, in: .main, size: 10_000, now: .zero) == [.upload(part(3, 0))])
        #expect(queue.offer(part: 1, of: 3, in: .main, size: 10_000, now: .zero) == [])
        let dropped: [UploadQueue.Directive] = [.drop(part(3, 1)), .release(part(3, 1))]
        #expect(queue.offer(segment(3), now: .zero) == dropped)
        #expect(
            queue.offer(part: 2, of: 3, in: .main, size: 1, now: .zero) == [.drop(part(3, 2)), .release(part(3, 2))])
    }

    @Test("remembers all of a long window, and removes them")
    func longWindow() {
        var queue = begun()
        for number in 0..<5000 {
            _ = queue.offer(part: number, of: 2, in: .main, size: 5000, now: .zero)
            let directives = queue.uploaded(part(2, number), now: .zero)
            if directives != [] { Issue.record("\(number): \(directives)") }
        }
        var directives = queue.tick(now: .seconds(60))
        var removed = 0
        while case .remove(let id) = directives.popLast() {
            removed += 1
            directives += queue.removed(id, now: .seconds(60)).filter { $0 != .release(id) }
        }
        #expect(removed == 5000 && queue.nextDeadline == nil)
    }

    @Test("does not wait for ever for a store that lets nobody remove anything")
    func unremovable() {
        var queue = begun()
        var random = SeededRandom(seed: 4)
        _ = queue.offer(part: 0, of: 2, in: .main, size: 5000, now: .zero)
        _ = queue.uploaded(part(2, 0), now: .zero)
        _ = queue.finish(now: .seconds(5))
        #expect(queue.stored(.media(.main), now: .seconds(5)) == [.done])
        #expect(queue.tick(now: .seconds(60)) == [.remove(part(2, 0))])
        var again = queue.removalFailed(part(2, 0), now: .seconds(60), using: &random)
        again += queue.tick(now: .seconds(359))
        #expect(again == [.remove(part(2, 0))])
        #expect(queue.tick(now: .seconds(360)) == [.release(part(2, 0))])
        #expect(queue.nextDeadline == nil)
    }

    @Test("removes what it can at once when somebody else has the stream, also what was on its way")
    func stop() {
        var queue = begun()
        for number in 0..<4 { _ = queue.offer(part: number, of: 2, in: .main, size: 5000, now: .zero) }
        _ = queue.uploaded(part(2, 0), now: .zero)
        #expect(
            queue.stop() == [.release(part(2, 3)), .remove(part(2, 0)), .release(part(2, 0)), .done])
        #expect(queue.uploaded(part(2, 1), now: .zero) == [.remove(part(2, 1)), .release(part(2, 1))])
        #expect(queue.removed(part(2, 1), now: .zero) == [] && queue.nextDeadline == nil)
        #expect(queue.offer(part: 4, of: 2, in: .main, size: 5000, now: .zero) == [.release(part(2, 4))])
    }

    private func part(_ msn: UInt64, _ number: Int) -> UploadID { .part(.main, msn, number) }

    private func segment(_ msn: UInt64) -> SegmentUpload {
        SegmentUpload(rendition: .main, msn: msn, parameters: 1, size: 10_000)
    }

    /// A queue whose first segment is stored and listed.
    private func begun(concurrency: Int = 4, memory: ByteCount = .mebibytes(64)) -> UploadQueue {
        var settings = UploadSettings()
        settings.concurrency = concurrency
        settings.memoryLimit = memory
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
    /// Whether it is one of those with which a part goes.
    fileprivate var isDropping: Bool {
        switch self {
        case .drop, .release, .remove: true
        default: false
        }
    }
}
