// SPDX-License-Identifier: Apache-2.0

import Glibc
public import NIOCore

extension Channel {
    /// Has the kernel break a TCP connection off when the other machine has confirmed nothing of what was sent for as long
    /// as `limit`, in whole milliseconds: it is gone, and nobody else would tell (TCP_USER_TIMEOUT, RFC 5482). A peer that
    /// only stands still confirms by its kernel, and a connection on which nothing is sent is never broken off.
    public func breaksOff(afterSilence limit: Duration) -> EventLoopFuture<Void> {
        let (seconds, attoseconds) = limit.components
        let milliseconds = seconds * 1000 + attoseconds / 1_000_000_000_000_000
        return setOption(.silenceLimit, value: SocketOptionValue(clamping: milliseconds))
    }
}

extension ChannelOption where Self == ChannelOptions.Types.SocketOption {
    /// How long the other machine may confirm nothing, in milliseconds; 0 for the kernel's own patience of many minutes.
    public static var silenceLimit: Self { .tcpOption(NIOBSDSocket.Option(rawValue: TCP_USER_TIMEOUT)) }
}
