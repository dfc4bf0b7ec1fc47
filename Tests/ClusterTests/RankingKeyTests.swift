// SPDX-License-Identifier: Apache-2.0

import Cluster
import Identity
import Testing

@Suite("A ranking key")
struct RankingKeyTests {
    @Test(
        "is the same number on every node and version",
        arguments: [
            ("live/a", 0xFD5D_0539_7CFC_3442),
            ("live/room/camera", 0x3830_080D_BD3F_77D0),
            ("live/\u{E9}", 0x9B37_2167_A571_EC89),
        ] as [(String, UInt64)])
    func streams(name: String, number: UInt64) throws {
        #expect(RankingKey(try StreamID(parsing: name)).number == number)
    }

    @Test("is made of nodes, regions and sessions too")
    func others() throws {
        #expect(try RankingKey(#require(NodeID(parsing: "edge-1"))).number == 0x5DAE_8F95_4B36_8FF8)
        #expect(try RankingKey(#require(NodeID(parsing: "edge-1"))).tag == 0x5DAE_8F95)
        #expect(RankingKey(Region.local).number == 0xF66D_136F_6AC6_2C22)
        #expect(RankingKey(ViewerID(number: 1)).number == 0x910A_2DEC_8902_5CC1)
    }

    @Test("mixes with another the same in both orders")
    func mixing() throws {
        let stream = RankingKey(try StreamID(parsing: "live/a"))
        let node = try RankingKey(#require(NodeID(parsing: "edge-1")))
        #expect(stream.mixed(with: node) == 0x8368_89CA_D57B_A245)
        #expect(node.mixed(with: stream) == 0x8368_89CA_D57B_A245)
    }

    @Test(
        "hashes as the authors of SipHash-2-4 publish it",
        arguments: [
            0x726F_DB47_DD0E_0E31, 0x74F8_39C5_93DC_67FD, 0x0D6C_8009_D9A9_4F5A, 0x8567_6696_D7FB_7E2D,
            0xCF27_94E0_2771_87B7, 0x1876_5564_CD99_A68D, 0xCBC9_466E_58FE_E3CE, 0xAB02_00F5_8B01_D137,
            0x93F5_F579_9A93_2462, 0x9E00_82DF_0BA9_E4B0, 0x7A5D_BBC5_94DD_B9F3, 0xF4B3_2F46_226B_ADA7,
            0x751E_8FBC_860E_E5FB, 0x14EA_5627_C084_3D90, 0xF723_CA90_8E7A_F2EE, 0xA129_CA61_49BE_45E5,
        ].enumerated().map { ($0.offset, $0.element) } as [(Int, UInt64)])
    func vectors(length: Int, hash: UInt64) {
        let keyed = SipHash(key: (0x0706_0504_0302_0100, 0x0F0E_0D0C_0B0A_0908))
        #expect(keyed.hash((0..<UInt8(length)).map { $0 }) == hash)
    }
}
