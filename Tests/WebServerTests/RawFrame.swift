// SPDX-License-Identifier: Apache-2.0

import Bytes

/// Frames of HTTP/2 as bytes, RFC 9113 §4.1 and §6, for peers that no client library plays.
enum RawFrame {
    /// The connection preface, RFC 9113 §3.4, with no settings of its own.
    static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + frame(4, [], on: 0)

    /// A GET: method and scheme from the static table of RFC 7541 appendix A, path and authority as literals.
    static func get(_ path: String, on stream: UInt32) -> [UInt8] {
        let block = [0x82, 0x87, 0x04, UInt8(path.utf8.count)] + Array(path.utf8) + [0x01, 1, UInt8(ascii: "a")]
        return frame(1, flags: 0x05, block, on: stream)
    }

    /// RST_STREAM with CANCEL.
    static func reset(_ stream: UInt32) -> [UInt8] { frame(3, [0, 0, 0, 8], on: stream) }

    private static func frame(_ type: UInt8, flags: UInt8 = 0, _ payload: [UInt8], on stream: UInt32) -> [UInt8] {
        var bytes: [UInt8] = [0, 0, UInt8(payload.count), type, flags]
        bytes.append(bigEndian: stream)
        return bytes + payload
    }
}
