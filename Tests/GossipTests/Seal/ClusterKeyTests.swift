// SPDX-License-Identifier: Apache-2.0

import Bytes
import Gossip
import Testing

@Suite("The setting cluster.key")
struct ClusterKeyTests {
    private static let bytes: [UInt8] = (0..<32).map { $0 &* 37 &+ 251 }

    @Test(
        "is 32 bytes as hexadecimal digits or base64",
        arguments: [
            "fb20456a8fb4d9fe23486d92b7dc01264b7095badf04294e7398bde2072c5176",
            "FB20456A8FB4D9FE23486D92B7DC01264B7095BADF04294E7398BDE2072C5176",
            "+yBFao+02f4jSG2St9wBJktwlbrfBClOc5i94gcsUXY=", "-yBFao-02f4jSG2St9wBJktwlbrfBClOc5i94gcsUXY",
        ])
    func parses(text: String) throws {
        let key = try ClusterKey(parsing: text)
        #expect(key.bytes == Self.bytes)
        #expect(key.description == "\(key)" && key.description.count == 8)
    }

    @Test(
        "is nothing else, least of all a passphrase",
        arguments: [
            "", "correct horse battery staple", "fb20", String(repeating: "g", count: 64),
            "+yBFao+02f4jSG2St9wBJktwlbrfBClOc5i94gcsUXZ=", "+yBFao+02f4jSG2St9wBJktwlbrfBClOc5i94gcsUX==",
            "0xfb20456a8fb4d9fe23486d92b7dc01264b7095badf04294e7398bde2072c5176",
            " " + String(repeating: "a", count: 43),
        ])
    func refuses(text: String) {
        let failure = #expect(throws: ClusterKey.Failure.self) { try ClusterKey(parsing: text) }
        #expect(failure?.description.contains("a passphrase is not a key") ?? false)
        #expect(text.count < 8 || failure?.description.contains(text) == false)
    }
}
