// SPDX-License-Identifier: Apache-2.0

/// How a peer behaves that a server has to bear.
public enum Trouble: String, Hashable, Sendable, CaseIterable {
    /// Asks, and takes one byte a second of the answer.
    case slow
    /// Sends the first half of a request, and then nothing.
    case half
    /// Connects, and says nothing.
    case silent

    /// What it sends once it is connected.
    public func greeting(_ address: HTTPAddress) -> [UInt8] {
        let head = "GET \(address.path) HTTP/1.1\r\nHost: \(address.authority)\r\nUser-Agent: millrace-load\r\n\r\n"
        return switch self {
        case .half: Array(head.utf8.prefix(head.utf8.count / 2))
        case .silent: []
        case .slow: Array(head.utf8)
        }
    }

    /// How many bytes it takes each time that it reads; so few only where it is to be slow.
    public var appetite: Int { self == .slow ? 1 : 4096 }
}

/// What came of peers that behave badly.
public struct TroubleTally: Hashable, Sendable {
    /// Connections that were made.
    public var opened = 0
    /// Connections that could not be made.
    public var refused = 0
    /// Connections that the server ended.
    public var closed = 0
    /// Connections that were there at the end.
    public var open = 0
    /// Bytes that were taken.
    public var bytes = 0
    /// From a connection's beginning until the server ended it.
    public var closedTimes = Histogram()
    /// How old the oldest connection was that the server had not ended.
    public var oldest: Duration = .zero

    /// An empty tally.
    public init() {}
}
