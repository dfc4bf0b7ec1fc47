// SPDX-License-Identifier: Apache-2.0

import COpenSSL
import RTMP
import Testing

@Suite("A handshake")
struct HandshakeTests {
    @Test("answers C1 with S0 S1 S2 before C2, plain")
    func plain() throws {
        var server = Server()
        try server.receive(Array(plainHandshake[..<1536]))
        #expect(server.sent.isEmpty)
        try server.receive([plainHandshake[1536]])
        #expect(server.sent.count == 3073)
        #expect(server.sent[..<9] == [3, 0, 0, 0, 0, 0, 0, 0, 0])
        #expect(server.sent[1537...] == plainHandshake[1..<1537], "S2 echoes C1")
        #expect(server.nextDeadline == .seconds(5))
        try server.receive([UInt8](repeating: 9, count: 1536))
        #expect(server.nextDeadline == .seconds(10), "C2 need not be an echo")
    }

    @Test("survives any cut, commands right behind C2", arguments: [1, 7, 1536, 1537, 1538, 3072, 3073, 3074])
    func cuts(length: Int) throws {
        let bytes = plainHandshake + connect("live")
        var server = Server()
        for start in stride(from: 0, to: bytes.count, by: length) {
            try server.receive(Array(bytes[start..<min(bytes.count, start + length)]))
        }
        #expect(try server.commands().map(\.name) == ["_result"])
    }

    @Test("signs S1 and S2 for a signed C1, in its scheme", arguments: [8, 772])
    func digest(pointer: Int) throws {
        var block = [0, 0, 0, 0, 9, 0, 124, 2] + noise.prefix(1528)
        sign(&block, pointer: pointer, key: "Genuine Adobe Flash Player 001")
        var server = Server()
        try server.receive([3] + block)
        let (s1, s2) = (Array(server.sent[1..<1537]), Array(server.sent[1537...]))
        var expected = s1
        sign(&expected, pointer: pointer, key: "Genuine Adobe Flash Media Server 001")
        #expect(s1 == expected)
        #expect(s1[4..<8] != [0, 0, 0, 0])
        #expect(s2 != block)
        #expect(s2.count == 1536)
    }

    @Test("is plain for a version with no or a wrong digest")
    func wrongDigest() throws {
        let block = [0, 0, 0, 0, 9, 0, 124, 2] + noise.prefix(1528)
        var server = Server()
        try server.receive([3] + block)
        #expect(Array(server.sent[1537...]) == block)
    }

    @Test("tells S2 for ffmpeg's own C1, which ffmpeg verifies")
    func captured() throws {
        var server = Server()
        try server.receive(Array(try capture("ffmpeg-9").prefix(1537)))
        #expect(server.sent[5..<9] == [4, 5, 0, 1])
    }

    @Test(
        "refuses what is no RTMP",
        arguments: [
            ("06", RTMPFailure.version(6)), ("00", .version(0)), ("160301", .foreignProtocol(.tls)),
            ("474554202f", .foreignProtocol(.http)), ("504f5354", .foreignProtocol(.http)),
            ("50524f5859", .foreignProtocol(.proxy)), ("0d0a0d0a", .foreignProtocol(.proxy)),
        ])
    func foreign(text: String, failure: RTMPFailure) {
        for pieces in [[hex(text)], hex(text).map { [$0] }] {
            var server = Server()
            var thrown: RTMPFailure?
            do {
                for piece in pieces { try server.receive(piece) }
            } catch { thrown = error as? RTMPFailure }
            #expect(thrown == failure)
            #expect(server.nextDeadline == nil)
        }
    }

    @Test("tells a browser in its own words")
    func browser() {
        var server = Server()
        try? server.receive(Array("GET / HTTP/1.1\r\n\r\n".utf8))
        #expect(String(decoding: server.sent, as: UTF8.self).hasPrefix("HTTP/1.1 400 "))
    }

    private func sign(_ block: inout [UInt8], pointer: Int, key: String) {
        let offset = pointer + 4 + block[pointer..<pointer + 4].reduce(0) { $0 + Int($1) } % 728
        let message = Array(block[..<offset] + block[(offset + 32)...])
        var digest = [UInt8](repeating: 0, count: 32)
        var length: UInt32 = 0
        HMAC(EVP_sha256(), Array(key.utf8), Int32(key.utf8.count), message, message.count, &digest, &length)
        block.replaceSubrange(offset..<offset + 32, with: digest)
    }
}
