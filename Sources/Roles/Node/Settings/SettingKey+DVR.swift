// SPDX-License-Identifier: Apache-2.0

import Bytes

extension SettingKey {
    static let dvr = [
        SettingKey(
            "dvr.window", \.dvr.window, .duration(.zero ... .seconds(86_400)),
            "How far viewers can go back in a stream that is recorded, where they ask for its playlist with ?dvr=1; 0s for not at all. The same on all nodes.",
            why:
                "most of what is shown at one time; a playlist of it has 3600 segments, and delta updates none of them."
        ),
        SettingKey(
            "dvr.default", \.dvr.isDefault, .boolean,
            "Whether playlists reach back where a request does not say; ?dvr=0 then asks for one that does not. The same on all nodes.",
            why: "players without delta updates read all of a playlist each time."
        ),
        SettingKey(
            "dvr.url", \.dvr.base,
            .optionalText("http(s)://host[:port][/path] without a slash at the end") {
                ($0.hasPrefix("http://") || $0.hasPrefix("https://")) && !$0.hasSuffix("/") && !$0.contains("?")
                    && $0.utf8.allSatisfy { (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "\"") }
            },
            "Where viewers fetch segments that are older than hls.window, as a CDN before the bucket; without it from edges, or from cdn.url while the stream's segments come from there. The same on all nodes.",
            why: "edges always can; whether a bucket may be read by everybody only the operator knows."
        ),
        SettingKey(
            "dvr.memory", \.dvr.memory, .byteCount(.kibibytes(64) ... .mebibytes(65_536)),
            "What old segments may take of an edge's memory; what was not asked for longest goes first.",
            why: "three minutes of 3 Mbit/s: viewers who go back go to the same moments."
        ),
        SettingKey(
            "dvr.disk", \.dvr.disk, .optionalText("a folder"),
            "A folder in which an edge keeps old segments, one for each node, emptied when it starts; without it what memory has no room for is fetched from the store again.",
            why: "which disk has room only the operator knows."
        ),
        SettingKey(
            "dvr.disk_limit", \.dvr.diskLimit, .byteCount(.kibibytes(64) ... .mebibytes(1_048_576)),
            "What old segments may take of that disk; what was not asked for longest goes first.",
            why: "three hours of 3 Mbit/s."
        ),
    ]
}
