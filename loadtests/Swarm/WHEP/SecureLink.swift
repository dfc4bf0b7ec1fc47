// SPDX-License-Identifier: Apache-2.0

import Bytes
import Cluster
import SecureMedia

/// DTLS of one viewer or publisher, and SRTP both ways once there are keys.
final class SecureLink {
    /// Where the server is; nil before a check was answered.
    private(set) var address: Endpoint?
    private var dtls: DTLSSession
    private var media: Protection?

    /// SRTP both ways.
    private final class Protection {
        var outbound: OutboundSRTP
        var inbound: InboundSRTP

        init(_ keys: SRTPKeys) {
            outbound = OutboundSRTP(keys)
            inbound = InboundSRTP(keys)
        }
    }

    init(_ context: DTLSContext, _ remote: RemoteParty) {
        dtls = DTLSSession(context, role: remote.role, peer: remote.fingerprint)
    }

    var nextDeadline: Duration? { dtls.nextDeadline }

    func begin(at address: Endpoint, now: Duration) -> [DTLSSession.Directive] {
        self.address = address
        return dtls.begin(now: now)
    }

    func receive(_ datagram: UnsafeRawBufferPointer, now: Duration) -> [DTLSSession.Directive] {
        dtls.receive(datagram, now: now)
    }

    func tick(now: Duration) -> [DTLSSession.Directive] { dtls.tick(now: now) }

    func unlock(_ keys: SRTPKeys) { media = Protection(keys) }

    /// Tells the server goodbye.
    func close() -> [[UInt8]] {
        dtls.close().compactMap { if case .send(let datagram) = $0 { datagram } else { nil } }
    }

    /// The packet without its protection; nil where that does not fit.
    func open(_ bytes: UnsafeMutableRawBufferPointer, isControl: Bool) -> ByteSlice? {
        guard let media else { return nil }
        let count = isControl ? try? media.inbound.unprotectControl(bytes) : try? media.inbound.unprotect(bytes)
        return count.map { Array(bytes[..<$0])[...] }
    }

    /// The report with its protection; nil where that can not be.
    func protect(control report: [UInt8]) -> [UInt8]? {
        guard let media else { return nil }
        var bytes = report + [UInt8](repeating: 0, count: SRTPProfile.largestOverhead)
        let count = bytes.withUnsafeMutableBytes { try? media.outbound.protectControl($0, count: report.count) }
        return count.map { Array(bytes[..<$0]) }
    }

    /// The packet of media with its protection; nil where that can not be, as for a number that was sent before.
    func protect(media packet: [UInt8]) -> [UInt8]? {
        guard let media else { return nil }
        var bytes = packet + [UInt8](repeating: 0, count: SRTPProfile.largestOverhead)
        let count = bytes.withUnsafeMutableBytes { try? media.outbound.protect($0, count: packet.count) }
        return count.map { Array(bytes[..<$0]) }
    }
}
