// SPDX-License-Identifier: Apache-2.0

/// Who answers the datagrams of one ``DatagramThread``. It is made on that thread, called on it only, and gone when the
/// thread ends; so it needs no lock.
public protocol DatagramHandler: AnyObject, SendableMetatype {
    /// A datagram came. The bytes may be changed in place, and are valid during the call only. `now` is monotonic time,
    /// read once for each batch that the kernel gave.
    func receive(_ bytes: UnsafeMutableRawBufferPointer, from peer: DatagramAddress, now: Duration)

    /// The time of ``nextDeadline`` has come; asked again at the end of each turn.
    func tick(now: Duration)

    /// When `tick` wants to be called; nil for not at all.
    var nextDeadline: Duration? { get }
}
