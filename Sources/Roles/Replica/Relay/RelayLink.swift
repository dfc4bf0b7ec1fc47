// SPDX-License-Identifier: Apache-2.0

import Relay
import Transport

/// What uses a connection to a parent: one path of one stream.
protocol RelayLinkUser: AnyObject {
    /// The connection is there: messages go by `channel`.
    func linked(_ path: RelayPath, _ link: RelayLink, channel: UInt32)
    /// The parent says something.
    func heard(_ message: RelayMessage, _ path: RelayPath)
    /// The connection is gone, or could not be made.
    func unlinked(_ path: RelayPath)
}

/// One event loop's connection to a parent, shared by all streams that are taken from there. Confined to its loop.
final class RelayLink: RelayParty {
    let parent: RelayParent
    private let loop: UpstreamLoop
    private var connection: RelayConnection?
    private var users: [UInt32: (user: any RelayLinkUser, path: RelayPath)] = [:]
    private var waiting: [(user: any RelayLinkUser, path: RelayPath)] = []
    private var lastChannel: UInt32 = 0
    private var idleSince: Duration?
    /// When the parent last said anything.
    private var heard = Duration.zero

    init(_ parent: RelayParent, _ loop: UpstreamLoop) {
        self.parent = parent
        self.loop = loop
    }

    /// Calls `user` when there is a connection.
    func attach(_ user: any RelayLinkUser, _ path: RelayPath) {
        idleSince = nil
        guard connection != nil else { return waiting.append((user, path)) }
        enter(user, path)
    }

    /// The user of `channel` is gone.
    func detach(_ channel: UInt32) { users[channel] = nil }

    /// Says something to the parent.
    func send(_ message: RelayMessage, channel: UInt32) {
        connection?.send(message, channel: channel)
        connection?.flush()
    }

    /// Opens the connection.
    func connect() {
        RelayConnection.open(to: parent, by: loop.identity, on: loop.eventLoop, metrics: loop.metrics, for: self)
    }

    /// The parent is who it should be: who waits for the connection begins.
    func greeted(_ peer: RelayHello, on connection: RelayConnection) {
        self.connection = connection
        heard = SystemClock.now()
        let waiting = waiting
        self.waiting = []
        for (user, path) in waiting { enter(user, path) }
    }

    func receive(_ frame: RelayFrame) {
        heard = SystemClock.now()
        if let (user, path) = users[frame.channel] { user.heard(frame.message, path) }
    }

    func writable() {}

    func tick(now: Duration) {
        guard users.isEmpty, waiting.isEmpty else {
            idleSince = nil
            // Every subscription brings heartbeats: such silence is that of a dead machine.
            if !users.isEmpty, now - heard > loop.identity.settings.silenceTimeout { connection?.fail(.silence) }
            return
        }
        let since = idleSince ?? now
        idleSince = since
        if now - since > Self.idleLimit { connection?.close() }
    }

    func closed() {
        connection = nil
        loop.forget(self)
        let all = Array(users.values) + waiting
        users = [:]
        waiting = []
        for (user, path) in all { user.unlinked(path) }
    }

    private func enter(_ user: any RelayLinkUser, _ path: RelayPath) {
        lastChannel += 1
        users[lastChannel] = (user, path)
        user.linked(path, self, channel: lastChannel)
    }

    /// How long a connection stays that nobody uses.
    private static let idleLimit: Duration = .seconds(10)
}
