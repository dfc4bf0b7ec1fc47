// SPDX-License-Identifier: Apache-2.0

import APIClient
import Cluster

extension Member {
    /// A request to the member's HTTP port; nil where viewers do not reach it by plain HTTP.
    func request(_ path: String) -> APIRequest? {
        let url = description.viewerURL
        guard url.hasPrefix("http://") else { return nil }
        let place = url.dropFirst(7).prefix { $0 != "/" }
        guard let colon = place.lastIndex(of: ":"), let port = UInt16(place[place.index(after: colon)...]) else {
            return nil
        }
        return APIRequest(host: place[..<colon].filter { $0 != "[" && $0 != "]" }, port: port, path: path)
    }
}
