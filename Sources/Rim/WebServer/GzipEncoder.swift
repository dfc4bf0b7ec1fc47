// SPDX-License-Identifier: Apache-2.0

import CZlib
public import NIOCore

/// Compresses texts with gzip, RFC 1952, keeping zlib's 260 KiB of state from one to the next. Same bytes in, same bytes
/// out: the header bears no time and no name. Not for use by two threads at once.
public final class GzipEncoder {
    private var stream = z_stream()

    /// `level` is zlib's, 1 (fastest) to 9 (smallest).
    public init(level: Int32 = 6) {
        precondition((1...9).contains(level), "no level of zlib: \(level)")
        let status = millrace_gzip_init(&stream, level)
        precondition(status == Z_OK, "zlib has no memory: \(status)")
    }

    deinit { deflateEnd(&stream) }

    /// Compresses what is readable.
    public func encode(_ text: ByteBuffer) -> ByteBuffer {
        deflateReset(&stream)
        let bound = Int(deflateBound(&stream, uLong(text.readableBytes)))
        var result = ByteBuffer()
        result.writeWithUnsafeMutableBytes(minimumWritableBytes: bound) { output in
            text.withUnsafeReadableBytes { input in deflateAll(input, into: output) }
        }
        return result
    }

    private func deflateAll(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) -> Int {
        // zlib takes its input as mutable and does not write to it.
        stream.next_in = UnsafeMutablePointer(mutating: input.bindMemory(to: UInt8.self).baseAddress)
        stream.avail_in = uInt(input.count)
        stream.next_out = output.bindMemory(to: UInt8.self).baseAddress
        stream.avail_out = uInt(output.count)
        let status = deflate(&stream, Z_FINISH)
        precondition(status == Z_STREAM_END, "deflateBound was too small: \(status)")
        return output.count - Int(stream.avail_out)
    }
}
