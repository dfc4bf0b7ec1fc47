// SPDX-License-Identifier: Apache-2.0

import Cluster

extension StreamVariant {
    /// EXT-X-STREAM-INF and its line end (RFC 8216bis §4.4.6.2).
    /// - Parameter pathway: PATHWAY-ID, where the variant is listed once for each of several nodes.
    func append(to text: inout PlaylistText, pathway: String? = nil) {
        text.append("#EXT-X-STREAM-INF:BANDWIDTH=")
        text.append(UInt64(peakBandwidth))
        text.append(",AVERAGE-BANDWIDTH=")
        text.append(UInt64(averageBandwidth))
        text.append(",CODECS=\"")
        text.append(codecs)
        text.append("\"")
        if width > 0, height > 0 {
            text.append(",RESOLUTION=")
            text.append(UInt64(width))
            text.append("x")
            text.append(UInt64(height))
        }
        if frameRate > 0 {
            text.append(",FRAME-RATE=")
            text.append(milliseconds: Int64(frameRate))
        }
        if let range {
            text.append(",VIDEO-RANGE=")
            text.append(range.word)
        }
        if let pathway {
            text.append(",PATHWAY-ID=\"")
            text.append(pathway)
            text.append("\"")
        }
        // No CLOSED-CAPTIONS=NONE: captions may be in the pictures' SEI, where nobody looked.
        text.append("\n")
    }
}

extension VideoRange {
    fileprivate var word: StaticString {
        switch self {
        case .hlg: "HLG"
        case .pq: "PQ"
        case .sdr: "SDR"
        }
    }
}
