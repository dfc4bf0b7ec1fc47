// SPDX-License-Identifier: Apache-2.0

import Bytes

/// The sample messages of RFC 5769.
enum STUNVectors {
    /// The password of §2.1 to §2.3.
    static let password = "VOkJxbRl1RmTxUk/WvJxBt"

    /// §2.1: a check with SOFTWARE, PRIORITY, ICE-CONTROLLED and USERNAME `evtj:h6vY`.
    static let request = bytes(
        """
        000100582112a442b7e7a701bc34d686fa87dfae802200105354554e207465737420636c69656e74002400046e0001ff
        80290008932ff9b151263b36000600096576746a3a68367659202020000800149aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2
        80280004e57a3bcf
        """)

    /// §2.2: its answer, to 192.0.2.1:32853.
    static let response = bytes(
        """
        0101003c2112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220002000080001a147e112a643
        000800142b91f599fd9e90c38c7489f92af9ba53f06be7d780280004c07d4c96
        """)

    /// §2.3: its answer, to [2001:db8:1234:5678:11:2233:4455:6677]:32853.
    static let responseV6 = bytes(
        """
        010100482112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220
        002000140002a1470113a9faa5d3f179bc25f4b5bed2b9d900080014a382954e4be67bf11784c97c8292c275bfe3ed41
        80280004c8fb0b4c
        """)

    /// §2.4: a request with long-term credentials and without FINGERPRINT.
    static let longTerm = bytes(
        """
        000100602112a44278ad3433c6ad72c029da412e00060012e3839ee38388e383aae38383e382afe382b90000
        0015001c662f2f3439396b39353464364f4c33346f4c394653547679363473410014000b6578616d706c652e6f726700
        00080014f67024656dd64a3e02b8e0712e85c9a28ca89666
        """)

    /// MD5 of user, realm and password of §2.4 between colons.
    static let longTermKey = bytes("e8ca7ad59d5eb0518e312911d2dab2a9")

    private static func bytes(_ text: String) -> [UInt8] { [UInt8](hex: text.filter { !$0.isWhitespace }) ?? [] }
}
