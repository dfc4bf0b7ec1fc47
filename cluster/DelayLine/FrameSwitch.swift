// SPDX-License-Identifier: Apache-2.0

import CLinuxIO
import Glibc

/// A switch between the regions of a lab: a port to the bridge of each, and a delayed link each way between any two. One
/// switch for all of them, and not a line for each pair, so that three regions make no loop.
public final class FrameSwitch {
    private var ports: [(region: UInt8, port: PacketPort)] = []
    private var links: [LinkTable.Pair: DelayedLink<[UInt8]>] = [:]
    private var random = SystemRandomNumberGenerator()
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: FrameSwitch.longestFrame, alignment: 16)
    private let began = ContinuousClock.now

    /// Opens the ports of `table`; they stay, while links may change.
    public init(_ table: LinkTable) throws(PacketPortFailure) {
        for (region, interface) in table.ports.sorted(by: { $0.key < $1.key }) {
            ports.append((region, try PacketPort(interface: interface)))
        }
        use(table)
    }

    deinit { buffer.deallocate() }

    /// Changes the settings of links; frames under way keep their time.
    public func use(_ table: LinkTable) {
        for (pair, settings) in table.links {
            links[pair, default: DelayedLink(settings)].settings = settings
        }
    }

    /// Waits until a frame comes, one is due or `longest` is over, and forwards what there is.
    public func forward(waiting longest: Duration) {
        var waits = ports.map { pollfd(fd: $0.port.descriptor, events: Int16(POLLIN), revents: 0) }
        let wait = links.values.compactMap(\.nextDeadline).min().map { min(longest, max(.zero, $0 - now)) } ?? longest
        var time = timespec(wait)
        _ = ppoll(&waits, UInt(waits.count), &time, nil)
        for (index, wait) in waits.enumerated() where wait.revents != 0 { take(from: ports[index]) }
        for (region, port) in ports { deliver(to: region, port) }
    }

    private var now: Duration { ContinuousClock.now - began }

    private func take(from source: (region: UInt8, port: PacketPort)) {
        for _ in 0..<Self.mostAtOnce {
            guard let count = source.port.receive(into: buffer) else { return }
            let frame = [UInt8](buffer[..<count])
            switch RegionAddress(ofFrame: frame) {
            case .region(let region): send(frame, from: source.region, to: region)
            case .everywhere:
                for (region, _) in ports where region != source.region { send(frame, from: source.region, to: region) }
            case .nowhere: break
            }
        }
    }

    private func send(_ frame: [UInt8], from: UInt8, to: UInt8) {
        links[LinkTable.Pair(from: from, to: to)]?.send(frame, bytes: frame.count, now: now, using: &random)
    }

    private func deliver(to region: UInt8, _ port: PacketPort) {
        for (source, _) in ports {
            while let frame = links[LinkTable.Pair(from: source, to: region)]?.receive(now: now) { port.send(frame) }
        }
    }

    private static let longestFrame = 1 << 16
    /// Frames of one port in a row, so that what is due elsewhere goes in time.
    private static let mostAtOnce = 64
}

extension timespec {
    fileprivate init(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        self.init(tv_sec: Int(seconds), tv_nsec: Int(attoseconds / 1_000_000_000))
    }
}
