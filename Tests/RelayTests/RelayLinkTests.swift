// SPDX-License-Identifier: Apache-2.0

import Bytes
import Identity
import Relay
import TestKit
import Testing

@Suite("A connection of the relay")
struct RelayLinkTests {
    @Test(
        "goes on where both speak a version, and ends with both ranges where there is none",
        arguments: [
            (1...1, 1...1, true), (1...3, 1...1, true), (1...3, 1...2, true), (1...3, 3...5, true),
            (2...2, 1...9, true), (0...255, 0...255, true), (1...1, 2...3, false), (3...4, 1...2, false),
            (255...255, 1...1, false),
        ] as [(ClosedRange<UInt8>, ClosedRange<UInt8>, Bool)])
    func versions(one: ClosedRange<UInt8>, other: ClosedRange<UInt8>, isCommon: Bool) throws {
        for (ours, theirs) in [(one, other), (other, one)] {
            var link = try link(speaking: ours)
            link.receive(try bytes(of: hello("parent", speaking: theirs))[...])
            if isCommon {
                #expect(try link.next() == nil)
                #expect(link.peer?.versions == theirs)
            } else {
                #expect(throws: RelayFailure.version(theirs: theirs, ours: ours)) { try link.next() }
                #expect(link.peer == nil)
            }
        }
    }

    @Test("takes the hello of a node that knows one version, and is understood by it")
    func formerHello() throws {
        let former = try #require([UInt8](hex: "0000001606" + "0001" + "0000000706706172656e740000000000000001"))
        #expect(try bytes(of: hello("parent", speaking: 1...1)) == former)
        var link = try link(speaking: 1...4)
        link.receive(former[...])
        #expect(try link.next() == nil)
        #expect(link.peer?.versions == 1...1)
        // Where the other looks for its version there is the lowest of ours, whatever stands for the subscription.
        let newer = try bytes(of: hello("parent", speaking: 1...4))
        #expect(newer.dropFirst(6) == former.dropFirst(6))
        #expect(newer.count == former.count)
    }

    @Test("passes over what it does not know, and ends where what it knows is wrong")
    func unknown() throws {
        var link = try link(speaking: 1...1)
        let pause = RelayFrame(channel: 1, message: .pause)
        link.receive(try bytes(of: hello("parent", speaking: 1...2))[...])
        #expect(try link.next() == nil)
        let unknown: [UInt8] = [0, 0, 0, 3, 99, 1, 1]
        link.receive((unknown + bytes(of: pause))[...])
        #expect(try link.next() == pause)
        #expect(try link.next() == nil)
        #expect(link.skippedMessages == 1)
        #expect(link.unknownKind == 99)
        link.receive([0, 0, 0, 3, 7, 1, 1])
        #expect(throws: RelayFailure.malformed) { try link.next() }
    }

    @Test("takes nothing unknown of a stranger, nor longer than any frame of a node")
    func unknownRefused() throws {
        var stranger = try link(speaking: 1...1)
        stranger.receive([0, 0, 0, 3, 99, 1, 1])
        #expect(throws: RelayFailure.unknownKind(99)) { try stranger.next() }
        var node = try link(speaking: 1...1)
        node.receive(try bytes(of: hello("parent", speaking: 1...1))[...])
        #expect(try node.next() == nil)
        node.receive([1, 0, 0, 1, 99])
        #expect(throws: RelayFailure.frameLength(16_777_217)) { try node.next() }
    }

    private func link(speaking versions: ClosedRange<UInt8>) throws -> RelayLinkSession {
        let parent = try #require(NodeID(parsing: "parent"))
        guard case .hello(let ours) = try hello("child", speaking: versions).message else {
            preconditionFailure("a hello that is none")
        }
        return RelayLinkSession(ours, expecting: parent, settings: RelaySettings(), now: .zero)
    }

    private func hello(_ name: String, speaking versions: ClosedRange<UInt8>) throws -> RelayFrame {
        let node = try #require(NodeID(parsing: name))
        return RelayFrame(
            channel: 0, message: .hello(RelayHello(versions: versions, cluster: 7, node: node, incarnation: 1)))
    }

    private func bytes(of frame: RelayFrame) -> [UInt8] {
        var bytes: [UInt8] = []
        RelayFrameEncoder().append(frame, to: &bytes)
        return bytes
    }
}
