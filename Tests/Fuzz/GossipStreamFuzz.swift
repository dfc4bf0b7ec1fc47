// SPDX-License-Identifier: Apache-2.0

import Gossip

/// Bytes in pieces are the messages that they are at once, and a message is written so that it reads the same.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = Array(UnsafeBufferPointer(start: bytes, count: count))
    let messages = read(input, pieces: input.count + 1)
    precondition(read(input, pieces: 3) == messages, "the pieces matter")
    for message in messages {
        var again: [UInt8] = []
        GossipStreamEncoder().append(message, to: &again)
        precondition(read(again, pieces: again.count) == [message], "another \(message)")
    }
    return 0
}

/// The messages up to the first failure.
private func read(_ input: [UInt8], pieces length: Int) -> [GossipStreamMessage] {
    var decoder = GossipStreamDecoder()
    var messages: [GossipStreamMessage] = []
    for start in stride(from: 0, to: input.count, by: max(length, 1)) {
        decoder.append(input[start..<min(start + length, input.count)])
        do { while let message = try decoder.next() { messages.append(message) } } catch { return messages }
    }
    return messages
}
