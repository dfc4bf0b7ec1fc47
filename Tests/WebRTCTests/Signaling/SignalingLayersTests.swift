// SPDX-License-Identifier: Apache-2.0

import Testing
import WebRTC

@Suite("The layers of a viewer's session")
struct SignalingLayersTests {
    private let layers = SignalingLayers(
        mediaID: "1",
        layers: [
            SignalingLayers.Layer(encodingID: "main", width: 1280, height: 720, bitsPerSecond: 1_500_000),
            SignalingLayers.Layer(encodingID: "l", width: 320, height: 180, bitsPerSecond: 150_000),
        ])

    private static let wish = LayerWish(mediaID: "1", encodingID: "l")

    @Test(
        "are asked for as the table says",
        arguments: [
            ("application/json", wish, 200), ("application/json; charset=utf-8", wish, 200), ("text/plain", wish, 415),
            (nil, wish, 415), ("application/json", nil, 400),
            ("application/json", LayerWish(mediaID: "0", encodingID: "l"), 404),
            ("application/json", LayerWish(mediaID: "1", encodingID: "x"), 404),
            ("application/json", LayerWish(mediaID: "1", encodingID: nil), 200),
        ] as [(String?, LayerWish?, Int)])
    func post(type: String?, wish: LayerWish?, status: Int) {
        switch layers.directive(for: SignalingRequest(method: .post, contentType: type), wish: wish) {
        case .ask(let encoding, let response):
            #expect(response.status == status && status == 200)
            #expect(encoding == wish?.encodingID)
        case .respond(let response): #expect(response.status == status && status != 200)
        }
    }

    @Test("are told, and reached from any page")
    func others() {
        for (method, status) in [
            (SignalingRequest.Method.get, 200), (.head, 200), (.options, 200), (.delete, 405), (.patch, 405),
        ] {
            guard case .respond(let response) = layers.directive(for: SignalingRequest(method: method), wish: nil)
            else {
                Issue.record("\(method)")
                continue
            }
            #expect(response.status == status)
            #expect(response.value(of: "Access-Control-Allow-Origin") == "*")
            guard method == .get else { continue }
            #expect(response.value(of: "Content-Type") == "application/json")
            #expect(
                String(decoding: response.body, as: UTF8.self)
                    == #"{"1":{"layers":[{"encodingId":"main","width":1280,"height":720,"bitrate":1500000},"#
                    + #"{"encodingId":"l","width":320,"height":180,"bitrate":150000}]}}"#)
        }
    }
}
