// SPDX-License-Identifier: Apache-2.0

/// Where an Ethernet frame is to go. The lab's nodes have addresses 02:4d:REGION:…, so the target's region is in the frame.
public enum RegionAddress: Equatable, Sendable {
    case region(UInt8)
    /// Broadcast and multicast, such as ARP's questions.
    case everywhere
    /// Not the lab's: spanning tree and the like, or shorter than a header.
    case nowhere

    /// Reads the first three bytes of a whole frame.
    public init(ofFrame frame: some Collection<UInt8>) {
        let target = Array(frame.prefix(3))
        if frame.count < Self.headerLength {
            self = .nowhere
        } else if target[0] & 1 == 1 {
            self = .everywhere
        } else if target[0] == 0x02, target[1] == 0x4d {
            self = .region(target[2])
        } else {
            self = .nowhere
        }
    }

    /// Two addresses and a type.
    private static let headerLength = 14
}
