// SPDX-License-Identifier: Apache-2.0

import Foundation
import WebRTC

extension LayerWish {
    /// Reads the body of a request; nil where it is no object with the two fields. What else is in it is passed over.
    init?(json body: ArraySlice<UInt8>) {
        guard body.count <= Self.longest, let fields = try? JSONDecoder().decode(Fields.self, from: Data(body)) else {
            return nil
        }
        self.init(mediaID: fields.mediaId, encodingID: fields.encodingId)
    }

    private struct Fields: Decodable {
        let mediaId: String
        let encodingId: String?
    }

    /// In bytes: two names and what surrounds them have some hundred.
    private static let longest = 4096
}
