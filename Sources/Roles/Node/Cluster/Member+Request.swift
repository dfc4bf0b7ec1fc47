// SPDX-License-Identifier: Apache-2.0

import APIClient
import Cluster

extension Member {
    /// A request to the member at the address that viewers use; nil where that names no port. A member behind TLS must have
    /// a certificate of that name by an authority that this machine knows.
    func request(_ path: String) -> APIRequest? {
        let url = description.viewerURL
        let isSecured = url.hasPrefix("https://")
        guard isSecured || url.hasPrefix("http://") else { return nil }
        let place = url.dropFirst(isSecured ? 8 : 7).prefix { $0 != "/" }
        guard let colon = place.lastIndex(of: ":"), let port = UInt16(place[place.index(after: colon)...]) else {
            return nil
        }
        var request = APIRequest(host: place[..<colon].filter { $0 != "[" && $0 != "]" }, port: port, path: path)
        if isSecured { request.trust = .system }
        return request
    }
}
