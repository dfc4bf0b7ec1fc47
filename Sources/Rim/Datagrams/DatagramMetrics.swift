// SPDX-License-Identifier: Apache-2.0

public import Telemetry

/// What the UDP threads of one port count, together.
public struct DatagramMetrics: Sendable {
    private let receivedDatagrams: Counter
    private let receivedBytes: Counter
    private let receiveCalls: Counter
    private let sentDatagrams: Counter
    private let sentBytes: Counter
    private let sentMessages: Counter
    private let drops: [Counter]
    private let plainSenders: Gauge

    /// The metrics of a port.
    public init(_ registry: MetricRegistry, port: DatagramPort) {
        let name = port.rawValue
        receivedDatagrams = registry.counter(Self.receivedFamily, name)
        receivedBytes = registry.counter(Self.receivedBytesFamily, name)
        receiveCalls = registry.counter(Self.receiveCallsFamily, name)
        sentDatagrams = registry.counter(Self.sentFamily, name)
        sentBytes = registry.counter(Self.sentBytesFamily, name)
        sentMessages = registry.counter(Self.messagesFamily, name)
        drops = DatagramDrop.allCases.map { registry.counter(Self.dropsFamily, name, $0.rawValue) }
        plainSenders = registry.gauge(Self.plainFamily, name)
    }

    /// One call gave so much.
    func received(datagrams: Int, bytes: Int) {
        receiveCalls.add()
        receivedDatagrams.add(datagrams)
        receivedBytes.add(bytes)
    }

    /// One call took so much.
    func sent(messages: Int, datagrams: Int, bytes: Int) {
        sentMessages.add(messages)
        sentDatagrams.add(datagrams)
        sentBytes.add(bytes)
    }

    /// A thread sends without segmentation from now on, or ends.
    func sendsPlainly(_ isPlain: Bool) { plainSenders.add(isPlain ? 1 : -1) }

    func dropped(_ reason: DatagramDrop, _ count: Int = 1) { drops[reason.index].add(count) }

    /// The declarations.
    public static let families = [
        receivedFamily, receivedBytesFamily, receiveCallsFamily, sentFamily, sentBytesFamily, messagesFamily,
        dropsFamily, plainFamily,
    ]

    private static let port = MetricLabel.oneOf("port", DatagramPort.allCases.map(\.rawValue))
    static let receivedFamily = MetricFamily(
        "millrace_datagrams_received_total", .counter, labels: [port], help: "Datagrams that came.")
    static let receivedBytesFamily = MetricFamily(
        "millrace_datagrams_received_bytes_total", .counter, unit: .bytes, labels: [port],
        help: "Bytes in datagrams that came.")
    static let receiveCallsFamily = MetricFamily(
        "millrace_datagram_receive_calls_total", .counter, labels: [port],
        help: "Calls of recvmmsg that gave something; as many as datagrams where little comes at once.")
    static let sentFamily = MetricFamily(
        "millrace_datagrams_sent_total", .counter, labels: [port], help: "Datagrams that the kernel took.")
    static let sentBytesFamily = MetricFamily(
        "millrace_datagrams_sent_bytes_total", .counter, unit: .bytes, labels: [port],
        help: "Bytes in datagrams that the kernel took.")
    static let messagesFamily = MetricFamily(
        "millrace_datagram_messages_total", .counter, labels: [port],
        help: "Messages that carried the sent datagrams; as many as those where the kernel has no segmentation.")
    static let dropsFamily = MetricFamily(
        "millrace_datagrams_dropped_total", .counter,
        labels: [port, .oneOf("reason", DatagramDrop.allCases.map(\.rawValue))],
        help: "What was not delivered: frames for the reason full, calls for inbox, else datagrams.")
    static let plainFamily = MetricFamily(
        "millrace_datagram_plain_senders", .gauge, labels: [port],
        help: "Threads that send datagrams one by one, since the kernel refused UDP_SEGMENT.")
}

/// The ports that are served by UDP threads.
public enum DatagramPort: String, Sendable, CaseIterable {
    /// Plain RTP.
    case rtp
    /// WebRTC: ICE, DTLS and SRTP.
    case webrtc
}

/// Why a datagram was not delivered.
enum DatagramDrop: String, CaseIterable {
    /// The slab was full: the kernel does not take what we send. Counts frames.
    case full
    /// The inbox of a thread was full. Counts calls.
    case inbox
    /// The kernel had no memory for it (ENOBUFS, ENOMEM).
    case noBuffers = "no_buffers"
    /// The kernel's queue was full before we came to read it.
    case overrun
    /// The kernel refused to send it: no route, a filter, a size.
    case refused
    /// It was longer than a slot.
    case tooLong = "too_long"

    var index: Int {
        switch self {
        case .full: 0
        case .inbox: 1
        case .noBuffers: 2
        case .overrun: 3
        case .refused: 4
        case .tooLong: 5
        }
    }
}
