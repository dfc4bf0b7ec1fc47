// SPDX-License-Identifier: Apache-2.0
// Inputs: 1/10

import SecureMedia

/// What is not protected under the key is opened by nobody, and what is protected comes back as it was, whatever it is.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = Array(UnsafeBufferPointer(start: bytes, count: count))
    for profile in SRTPProfile.allCases {
        let master = SRTPMasterKey(
            key: Array(0..<16), salt: Array(0..<(profile == .aeadAES128GCM ? 12 : 14)))
        let keys = SRTPKeys(profile: profile, local: master, remote: master)
        var ours = Inbound(keys)
        var theirs = Library(keys)
        var sender = OutboundSRTP(keys)
        for isControl in [false, true] {
            precondition(ours.open(input, isControl) == nil, "opened what is forged")
            precondition(theirs.open(input, isControl) == nil, "libsrtp opened what is forged")
            var packet = input + [UInt8](repeating: 0, count: SRTPProfile.largestOverhead)
            let sealed = packet.withUnsafeMutableBytes { buffer in
                try? isControl
                    ? sender.protectControl(buffer, count: count) : sender.protect(buffer, count: count)
            }
            guard let sealed else { continue }
            precondition(ours.open(Array(packet[..<sealed]), isControl) == input, "not opened as it was")
            precondition(ours.open(Array(packet[..<sealed]), isControl) == nil, "opened twice")
            precondition(theirs.open(Array(packet[..<sealed]), isControl) == input, "libsrtp opens something else")
        }
    }
    return 0
}

private struct Inbound: ~Copyable {
    var srtp: InboundSRTP

    init(_ keys: SRTPKeys) { srtp = InboundSRTP(keys) }

    mutating func open(_ packet: [UInt8], _ isControl: Bool) -> [UInt8]? {
        var packet = packet
        let count = packet.withUnsafeMutableBytes {
            try? isControl ? srtp.unprotectControl($0) : srtp.unprotect($0)
        }
        return count.map { Array(packet[..<$0]) }
    }
}

private struct Library: ~Copyable {
    var srtp: LibSRTP

    init(_ keys: SRTPKeys) { srtp = LibSRTP(keys) }

    mutating func open(_ packet: [UInt8], _ isControl: Bool) -> [UInt8]? {
        var packet = packet
        let count = packet.withUnsafeMutableBytes {
            try? isControl ? srtp.unprotectControl($0) : srtp.unprotect($0)
        }
        return count.map { Array(packet[..<$0]) }
    }
}
