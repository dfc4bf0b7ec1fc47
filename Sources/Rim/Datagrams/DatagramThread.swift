// SPDX-License-Identifier: Apache-2.0

import CLinuxIO
import Glibc
import Synchronization

/// One thread that serves one UDP socket: it waits for datagrams, calls from other threads and its handler's deadline,
/// and sends what the handler appended, turn by turn.
public final class DatagramThread<Handler: DatagramHandler>: Sendable {
    /// The port that is listened on, the real one where port 0 was asked for.
    public let port: UInt16
    private let inbox: DatagramInbox<Handler>
    private let metrics: DatagramMetrics
    private let thread: Mutex<pthread_t?>

    /// Opens the socket and starts the thread, on which `handler` is called once, before anything else.
    public init(
        settings: DatagramSettings, metrics: DatagramMetrics, handler: @escaping @Sendable (DatagramSender) -> Handler
    ) throws(DatagramFailure) {
        let socket = try DatagramSocket(settings)
        let inbox = try DatagramInbox<Handler>(limit: settings.inbox)
        port = socket.port
        self.inbox = inbox
        self.metrics = metrics
        thread = Mutex(
            try startThread(named: settings.name) {
                let sender = DatagramSender(socket, settings: settings, metrics: metrics)
                let loop = DatagramLoop(
                    socket: socket, inbox: inbox, sender: sender,
                    receiver: DatagramReceiver(socket, metrics: metrics), handler: handler(sender))
                loop.run()
            })
    }

    /// Runs `work` on the thread, after all that was submitted before; from any thread.
    /// - Returns: false, and `work` never runs, where too much waits already or the thread ends.
    @discardableResult
    public func submit(_ work: @escaping @Sendable (_ handler: Handler, _ now: Duration) -> Void) -> Bool {
        let isTaken = inbox.put(work)
        if !isTaken { metrics.dropped(.inbox) }
        return isTaken
    }

    /// Lets the thread do what was submitted, send it, and end; returns when it has. A second call does nothing. Not to be
    /// called on the thread itself.
    public func stop() {
        guard let thread = thread.withLock({ $0.take() }) else { return }
        inbox.stop()
        pthread_join(thread, nil)
    }

    deinit { stop() }
}

/// The turns of one thread.
private struct DatagramLoop<Handler: DatagramHandler> {
    let socket: DatagramSocket
    let inbox: DatagramInbox<Handler>
    let sender: DatagramSender
    let receiver: DatagramReceiver
    let handler: Handler

    func run() {
        var works: [DatagramInbox<Handler>.Work] = []
        var goesOn = true
        while goesOn {
            let ready = wait()
            if ready.isWritable { sender.resume() }
            // Calls before datagrams: what a peer sends when it was told of a call finds the call done.
            if ready.hasWork {
                goesOn = inbox.take(into: &works)
                let now = MonotonicClock.now()
                for work in works { work(handler, now) }
                works.removeAll(keepingCapacity: true)
            }
            if ready.isReadable { receiver.drain(into: handler) }
            if let deadline = handler.nextDeadline {
                let now = MonotonicClock.now()
                if deadline <= now { handler.tick(now: now) }
            }
            sender.flush()
        }
    }

    private struct Ready {
        let isReadable: Bool
        let isWritable: Bool
        let hasWork: Bool
    }

    /// Sleeps until something is to be done.
    private func wait() -> Ready {
        let events = Int16(POLLIN) | (sender.isBlocked ? Int16(POLLOUT) : 0)
        var descriptors = (
            pollfd(fd: socket.descriptor, events: events, revents: 0),
            pollfd(fd: inbox.descriptor, events: Int16(POLLIN), revents: 0)
        )
        var timeout = handler.nextDeadline.map { timespec(max($0 - MonotonicClock.now(), .zero)) }
        let count = withUnsafeMutableBytes(of: &descriptors) { descriptors in
            if timeout != nil {
                withUnsafeBytes(of: &timeout) { ppoll(descriptors.baseAddress, 2, $0.baseAddress, nil) }
            } else {
                ppoll(descriptors.baseAddress, 2, nil, nil)
            }
        }
        guard count > 0 else { return Ready(isReadable: false, isWritable: false, hasWork: false) }
        return Ready(
            isReadable: descriptors.0.revents & ~Int16(POLLOUT) != 0,
            isWritable: descriptors.0.revents & Int16(POLLOUT) != 0,
            hasWork: descriptors.1.revents != 0)
    }
}

extension timespec {
    fileprivate init(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        self.init(tv_sec: Int(seconds), tv_nsec: Int(attoseconds / 1_000_000_000))
    }
}

/// Starts a thread that no signal comes to.
private func startThread(
    named name: String, _ body: @escaping @Sendable () -> Void
) throws(DatagramFailure) -> pthread_t {
    let box = Unmanaged.passRetained(ThreadBody(body))
    var (thread, blocked, before) = (pthread_t(), sigset_t(), sigset_t())
    sigfillset(&blocked)
    pthread_sigmask(SIG_SETMASK, &blocked, &before)
    let code = pthread_create(
        &thread, nil,
        { context in
            guard let context else { return nil }
            Unmanaged<ThreadBody>.fromOpaque(context).takeRetainedValue().run()
            return nil
        }, box.toOpaque())
    pthread_sigmask(SIG_SETMASK, &before, nil)
    guard code == 0 else {
        box.release()
        throw DatagramFailure(step: "pthread_create", code: code)
    }
    _ = pthread_setname_np(thread, String(name.prefix(15)))
    return thread
}

private final class ThreadBody: Sendable {
    let run: @Sendable () -> Void

    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
}
