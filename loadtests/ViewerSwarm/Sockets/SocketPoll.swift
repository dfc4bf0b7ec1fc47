// SPDX-License-Identifier: Apache-2.0

import CLinuxIO
import Glibc

/// Waits for thousands of sockets at once (epoll), on one thread.
final class SocketPoll {
    private let descriptor: Int32
    /// By descriptor.
    private var handlers: [(any SocketHandler)?] = []
    private var events = [millrace_epoll_event](repeating: millrace_epoll_event(), count: 256)

    init() {
        descriptor = epoll_create1(Int32(MILLRACE_EPOLL_CLOEXEC))
        precondition(descriptor >= 0, "no epoll: errno \(errno)")
    }

    deinit { close(descriptor) }

    /// Calls a handler whenever its socket can be read, or written where that is asked for.
    func watch(_ socket: Int32, _ handler: any SocketHandler, forWriting: Bool = false) {
        let index = Int(socket)
        if index >= handlers.count {
            handlers += Array(repeating: nil, count: index + 1 - handlers.count)
        }
        let operation = handlers[index] == nil ? MILLRACE_EPOLL_CTL_ADD : MILLRACE_EPOLL_CTL_MOD
        handlers[index] = handler
        var event = millrace_epoll_event(
            events: UInt32(forWriting ? MILLRACE_EPOLLIN | MILLRACE_EPOLLOUT : MILLRACE_EPOLLIN), data: UInt(index))
        let result = epoll_ctl(descriptor, Int32(operation), socket, &event)
        precondition(result == 0, "epoll_ctl of \(socket): errno \(errno)")
    }

    /// Closes a socket; its handler is not called any more.
    func end(_ socket: Int32) {
        handlers[Int(socket)] = nil
        close(socket)
    }

    /// Waits until something comes, at most so long, and lets it be handled.
    /// - Returns: whether there may be more already.
    @discardableResult
    func turn(atMost time: Duration) -> Bool {
        let milliseconds = max(0, Int32(clamping: Int64(time / .milliseconds(1))))
        let count = epoll_wait(descriptor, &events, Int32(events.count), milliseconds)
        // A socket that ends meanwhile may have its number taken by the next, which then finds nothing to read.
        for index in 0..<max(0, Int(count)) {
            handlers[Int(events[index].data)]?.ready(isWritable: events[index].events & UInt32(MILLRACE_EPOLLOUT) != 0)
        }
        return Int(count) == events.count
    }
}

/// Who reads a socket.
protocol SocketHandler: AnyObject {
    /// There may be something to read, or an error; room to write, where `isWritable`.
    func ready(isWritable: Bool)
}
