// SPDX-License-Identifier: Apache-2.0

/// Datagrams to one peer that lie behind one another, each `segment` long but the last.
struct DatagramRun {
    let peer: DatagramAddress
    var base: UnsafeRawPointer
    var length: Int
    let segment: Int
    /// Whether the memory is somebody else's.
    var isLent = false
    /// Whether the kernel refused these as one message.
    var isPlain = false
}

/// Runs that wait for the kernel, and how far it has them.
struct RunQueue: ~Copyable {
    private let runs: UnsafeMutablePointer<DatagramRun>
    private let capacity: Int
    private var count = 0
    /// The first run that is not sent whole.
    private(set) var next = 0
    /// Bytes of that run that are sent.
    private(set) var offset = 0

    init(capacity: Int) {
        self.capacity = capacity
        runs = .allocate(capacity: capacity)
    }

    deinit { runs.deallocate() }

    var isEmpty: Bool { next == count }
    var isFull: Bool { count == capacity }
    var room: Int { capacity - count }
    /// The end of the runs.
    var end: Int { count }

    subscript(index: Int) -> DatagramRun { runs[index] }

    /// A datagram behind the others, in the last run where it fits.
    mutating func append(_ peer: DatagramAddress, _ base: UnsafeRawPointer, _ length: Int) {
        if count > next, joins(peer, base, length) {
            runs[count - 1].length += length
        } else {
            append(DatagramRun(peer: peer, base: base, length: length, segment: length))
        }
    }

    mutating func append(_ run: DatagramRun) {
        precondition(count < capacity, "no room for a run")
        (runs + count).initialize(to: run)
        count += 1
    }

    /// So many bytes of the next run are sent.
    mutating func advance(by bytes: Int) {
        offset += bytes
        guard offset >= runs[next].length else { return }
        next += 1
        offset = 0
    }

    /// Sends the next run one by one.
    mutating func sendPlainly() { runs[next].isPlain = true }

    mutating func removeAll() { (count, next, offset) = (0, 0, 0) }

    /// Gives lent runs that wait a place of their own, and forgets those for which there is none.
    mutating func keepLent(_ place: (DatagramRun) -> UnsafeRawPointer?) {
        var kept = next
        for index in next..<count {
            var run = runs[index]
            if run.isLent {
                guard let base = place(run) else {
                    // What is behind it begins at its beginning.
                    if index == next { offset = 0 }
                    continue
                }
                run.base = base
                run.isLent = false
            }
            runs[kept] = run
            kept += 1
        }
        count = kept
    }

    private func joins(_ peer: DatagramAddress, _ base: UnsafeRawPointer, _ length: Int) -> Bool {
        let last = runs[count - 1]
        return last.peer == peer && !last.isLent && last.base + last.length == base && length <= last.segment
            && last.length % last.segment == 0 && last.length + length <= DatagramLimits.longest
            && last.length / last.segment < DatagramLimits.segments
    }
}
