// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A file descriptor that log lines go out of, and what it has lost.
struct LogOutlet {
    private let descriptor: Int32
    /// Lines lost since the last that got out.
    private var lost = 0
    /// Whether a line broke off in its middle.
    private var isBroken = false

    init(descriptor: Int32) { self.descriptor = descriptor }

    /// Writes a line, or loses it.
    /// - Parameter notice: makes the line that tells of so many lost.
    mutating func write(_ line: String, notice: (Int) -> String) {
        if lost > 0 {
            guard send((isBroken ? "\n" : "") + notice(lost), patience: 0) else { return lost += 1 }
            lost = 0
        }
        if !send(line, patience: Self.patience) { lost = 1 }
    }

    /// Writes a text; false if it did not get out to its end within `patience` milliseconds.
    private mutating func send(_ text: String, patience: Int32) -> Bool {
        var text = text
        return text.withUTF8 { bytes in
            var rest = UnsafeRawBufferPointer(bytes)[...]
            var patience = patience
            while !rest.isEmpty, isReady(within: &patience) {
                let piece = UnsafeRawBufferPointer(rebasing: rest.prefix(Self.pieceSize))
                let count = Glibc.write(descriptor, piece.baseAddress, piece.count)
                if count > 0 {
                    rest = rest.dropFirst(count)
                } else if errno != EINTR && errno != EAGAIN {
                    break
                }
            }
            isBroken = rest.count < bytes.count ? !rest.isEmpty : isBroken
            return rest.isEmpty
        }
    }

    /// Waits for room, and takes the time off `patience`.
    private func isReady(within patience: inout Int32) -> Bool {
        var ready = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        if poll(&ready, 1, 0) == 1 { return true }
        while patience > 0 {
            patience -= Self.step
            if poll(&ready, 1, Self.step) == 1 { return true }
        }
        return false
    }

    /// How long a line may wait for room, in milliseconds.
    private static let patience: Int32 = 100
    /// The grain in which the wait is counted, in milliseconds.
    private static let step: Int32 = 5
    /// What a pipe that has room at all takes without blocking: PIPE_BUF of Linux.
    private static let pieceSize = 4096
}
