// SPDX-License-Identifier: Apache-2.0

import CZlib
import NodeKit
import RTMP
import TestKit
import Testing

@Suite("An answer")
struct MediaAnswerTests {
    private func run(_ body: (TestNode) async throws -> Void) async throws {
        try await TestNode.run { node in
            let publisher = try await node.publisher()
            try await publisher.publish(.milliseconds(3050))
            try await eventually("the third second is there") { try await node.playlist().segments.count == 3 }
            try await body(node)
        }
    }

    @Test(
        "about an unknown stream is 404 for a second", arguments: ["index.m3u8", "main/media.m3u8", "main/1-2/3.m4s"])
    func unknown(file: String) async throws {
        try await run { node in
            let answer = try await node.ask("/live/nothing/\(file)")
            #expect(answer.status == 404 && answer.fields["cache-control"] == "public, max-age=1")
            #expect(try await node.ask("/live/nothing.flv").status == 404)
        }
    }

    @Test("to a path that can not be is 400 and not kept")
    func badPaths() async throws {
        let paths = [
            "/live/../demo/index.m3u8", "/live/%2e%2e/index.m3u8", "/live//index.m3u8", "/live/a%2fb/index.m3u8",
            "/live/a%00/index.m3u8", "/live/%ff/index.m3u8", "/live/%zz/index.m3u8",
            "/live/\(String(repeating: "a", count: 129))/index.m3u8", "/live/./demo/index.m3u8",
        ]
        try await run { node in
            for path in paths {
                let answer = try await node.ask(path)
                #expect(answer.status == 400 && answer.fields["cache-control"] == "no-store", "\(path)")
            }
            #expect(node.metric("millrace_hls_bad_paths_total") == paths.count)
        }
    }

    @Test(
        "to a playlist query that can not be is 400", arguments: ["_HLS_msn=x", "_HLS_part=1", "_HLS_msn=99999999999"])
    func badQueries(query: String) async throws {
        try await run { node in
            let answer = try await node.ask("/live/demo/main/media.m3u8?\(query)")
            #expect(answer.status == 400)
        }
    }

    @Test("to HEAD has the head of GET and no body")
    func head() async throws {
        try await run { node in
            let segment = try #require(try await node.playlist().segments.first)
            for path in ["/live/demo/index.m3u8", "/live/demo/main/media.m3u8", segment] {
                let (get, head) = (try await node.ask(path), try await node.ask(path, method: "HEAD"))
                #expect(head.status == 200 && head.body.isEmpty)
                for field in ["content-length", "content-type", "cache-control", "etag"] {
                    #expect(head.fields[field] == get.fields[field])
                }
                #expect(get.fields["content-length"] == String(get.body.count))
            }
        }
    }

    @Test("in gzip unpacks to the bytes without", arguments: ["/live/demo/index.m3u8", "/live/demo/main/media.m3u8"])
    func gzip(path: String) async throws {
        try await run { node in
            let plain = try await node.ask(path)
            let packed = try await node.ask(path, fields: ["Accept-Encoding": "br, gzip"])
            #expect(plain.fields["content-encoding"] == nil && packed.fields["content-encoding"] == "gzip")
            #expect(packed.fields["vary"]?.lowercased().contains("accept-encoding") == true)
            #expect(try Self.unpacked(packed.body) == plain.body)
            #expect(plain.fields["etag"] == nil || plain.fields["etag"] != packed.fields["etag"])
        }
    }

    @Test("is 304 to who has it already")
    func notModified() async throws {
        try await run { node in
            let playlist = try await node.playlist()
            for path in [
                "/live/demo/main/media.m3u8", playlist.segments[0], playlist.parts[0], playlist.initSections[0],
            ] {
                let tag = try #require(try await node.ask(path).fields["etag"])
                let again = try await node.ask(path, fields: ["If-None-Match": tag])
                #expect(again.status == 304 && again.body.isEmpty && again.fields["etag"] == tag)
                #expect(try await node.ask(path, fields: ["If-None-Match": "\"other\""]).status == 200)
            }
        }
    }

    @Test("to a range of a segment is that range")
    func ranges() async throws {
        try await run { node in
            let path = try #require(try await node.playlist().segments.first)
            let whole = try await node.ask(path).body
            let cases: [(String, Range<Int>)] = [
                ("bytes=0-9", 0..<10), ("bytes=100-", 100..<whole.count), ("bytes=-7", whole.count - 7..<whole.count),
                ("bytes=5-999999999", 5..<whole.count),
            ]
            for (range, bounds) in cases {
                let answer = try await node.ask(path, fields: ["Range": range])
                #expect(answer.status == 206 && answer.body == Array(whole[bounds]), "\(range)")
                #expect(
                    answer.fields["content-range"]
                        == "bytes \(bounds.lowerBound)-\(bounds.upperBound - 1)/\(whole.count)")
            }
            #expect(try await node.ask(path, fields: ["Range": "bytes=\(whole.count)-"]).status == 416)
            #expect(try await node.ask(path, fields: ["Range": "lines=1-2"]).body == whole)
        }
    }

    @Test("of media may be read by any page")
    func crossOrigin() async throws {
        try await run { node in
            let paths = ["/live/demo/index.m3u8", "/live/nothing/index.m3u8", try await node.playlist().segments[0]]
            for path in paths {
                #expect(try await node.ask(path).fields["access-control-allow-origin"] == "*", "\(path)")
            }
            #expect(try await node.ask("/api/v1/streams").fields["access-control-allow-origin"] == nil)
        }
    }

    @Test("at the flat address names the same playlists")
    func flat() async throws {
        try await run { node in
            let nested = ReadPlaylist(try await node.ask("/live/demo/index.m3u8").text, at: "/live/demo/index.m3u8")
            let flat = ReadPlaylist(try await node.ask("/live/demo.m3u8").text, at: "/live/demo.m3u8")
            #expect(flat.segments == ["/live/demo/main/media.m3u8"] && flat.segments == nested.segments)
        }
    }

    @Test("under a name of several components and scripts is found by what the playlists say")
    func longNames() async throws {
        try await TestNode.run { node in
            let publisher = try await node.publisher("room/käse")
            try await publisher.publish(.seconds(3))
            let path = "/live/room/k%C3%A4se/index.m3u8"
            let variant = ReadPlaylist(try await node.ask(path).text, at: path).segments[0]
            let playlist = ReadPlaylist(try await node.ask(variant).text, at: variant)
            #expect(try await node.ask(playlist.segments[0]).status == 200)
            let flat = ReadPlaylist(try await node.ask("/live/room/k%C3%A4se.m3u8").text, at: "/live/room/x")
            #expect(try await node.ask(flat.segments[0]).status == 200)
        }
    }

    private static func unpacked(_ bytes: [UInt8]) throws -> [UInt8] {
        var (input, output) = (bytes, [UInt8](repeating: 0, count: 1 << 16))
        var stream = z_stream()
        inflateInit2_(&stream, 31, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        defer { inflateEnd(&stream) }
        let length = input.withUnsafeMutableBufferPointer { input in
            output.withUnsafeMutableBufferPointer { output in
                stream.next_in = input.baseAddress
                stream.avail_in = UInt32(input.count)
                stream.next_out = output.baseAddress
                stream.avail_out = UInt32(output.count)
                return inflate(&stream, Z_FINISH) == Z_STREAM_END ? Int(stream.total_out) : -1
            }
        }
        try #require(length >= 0)
        return Array(output.prefix(length))
    }
}
