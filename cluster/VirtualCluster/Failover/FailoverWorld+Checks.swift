// SPDX-License-Identifier: Apache-2.0

import Feed
import HLS
import Identity

/// What must be true at any moment.
extension FailoverWorld {
    /// Looks at the playlist of every node as a viewer would.
    func lookAtPlaylists() {
        var listed: MediaSequenceNumber = 0
        defer { newestListed = listed }
        for node in nodes where node.state == .up {
            guard let (text, key) = node.playlist else { continue }
            playlists += 1
            let names = read(text)
            listed = max(listed, key.position.msn)
            if let problem = node.served.show(names, at: key, newest: newestListed, now: now) {
                fail("n\(node.number): \(problem)")
            }
            for name in names.names { check(name, node) }
            if texts[names.end, default: text] != text {
                fail("n\(node.number) lists otherwise than others at \(names.end)")
            }
            texts[names.end] = text
            if let digests = node.feed?.digests, digests.mismatched > 0 { fail("n\(node.number) wrote other bytes") }
        }
    }

    /// Most nodes show one of a few texts.
    private func read(_ text: [UInt8]) -> ReadNames {
        if let known = readTexts[text] { return known }
        if readTexts.count > 16 { readTexts = [:] }
        let names = ReadNames(text)
        readTexts[text] = names
        return names
    }

    /// What is listed is there, and the same wherever it is.
    private func check(_ name: ListedName, _ node: FailoverNode) {
        guard let bytes = node.feed?.bytes(of: name) else {
            return fail("n\(node.number) lists \(name), which is missing")
        }
        var sum: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in bytes { sum = (sum ^ UInt64(byte)) &* 0x100_0000_01B3 }
        if let known = contents[name] {
            if known != sum { fail("\(name) has two contents, one of them at n\(node.number)") }
        } else {
            contents[name] = sum
            hash = (hash ^ sum) &* 0x100_0000_01B3
        }
    }
}

extension FailoverNode {
    /// What a viewer who asks for nothing special is shown; nil where that is nothing.
    fileprivate var playlist: (text: [UInt8], key: PlaylistKey)? {
        guard let window = feed?.window, let key = window.currentKey else { return nil }
        return MediaPlaylist(of: window, rendition: .main, at: key).map { ($0.text, key) }
    }
}

extension Term {
    /// Below every term that was taken.
    static let lowest = Term(number: 0, salt: 0)
}
