// SPDX-License-Identifier: Apache-2.0

/// Protects what is sent to one peer: RTP and RTCP under its keys, in place, without an allocation. It can not be copied,
/// because two of the same key would use an index twice, which with AES-GCM gives the key away.
///
/// It keeps 24 bytes for each SSRC, of which there are at most ``maximumStreams``, and two of OpenSSL's contexts. The
/// first sequence number of a stream should be below 2^15, so that a receiver that misses the first packets guesses the
/// rollover counter right.
public struct OutboundSRTP: ~Copyable {
    /// How the packets are protected.
    public let profile: SRTPProfile
    private let rtp: SRTPTransform
    private let rtcp: SRTPTransform
    private var streams = InlineArray<8, OutboundStream>(repeating: OutboundStream())
    private var streamCount = 0

    /// Protects with the local key.
    public init(_ keys: SRTPKeys) {
        self.init(
            keys.profile, rtp: SRTPSessionKey(keys.local, .rtp), rtcp: SRTPSessionKey(keys.local, .rtcp),
            firstRTCPIndex: 0)
    }

    /// Protects with session keys that are known, as those of test vectors are.
    package init(_ profile: SRTPProfile, rtp: SRTPSessionKey, rtcp: SRTPSessionKey, firstRTCPIndex: UInt32) {
        self.profile = profile
        self.rtp = SRTPTransform(profile, rtp, seals: true)
        self.rtcp = SRTPTransform(profile, rtcp, seals: true)
        for slot in streams.indices { streams[slot].nextRTCP = firstRTCPIndex }
    }

    /// How many SSRCs there may be: media, retransmissions and probes of both kinds of track.
    public static let maximumStreams = 8

    /// Protects the RTP packet in the first `count` bytes of `buffer`, which has room for ``SRTPProfile/rtpOverhead``
    /// more, and gives its new length. A packet may come late, behind up to 64 later ones, but never twice: a
    /// retransmission goes on an SSRC of its own (RFC 4588).
    public mutating func protect(
        _ buffer: UnsafeMutableRawBufferPointer, count: Int
    ) throws(SRTPFailure) -> Int {
        precondition(count >= 0 && count + profile.rtpOverhead <= buffer.count, "\(count) bytes of \(buffer.count)")
        guard let layout = RTPLayout(UnsafeRawBufferPointer(rebasing: buffer[..<count])),
            let start = buffer.baseAddress
        else { throw .malformed }
        let slot = try slot(layout.ssrc)
        let place = SRTPPlace(
            packets: .rtp, ssrc: layout.ssrc, index: try streams[slot].take(layout.sequence),
            headerSize: layout.headerSize, bodySize: count - layout.headerSize)
        rtp.seal(start.assumingMemoryBound(to: UInt8.self), place)
        return count + profile.rtpOverhead
    }

    /// Protects the RTCP packet, compound or not, in the first `count` bytes of `buffer`, which has room for
    /// ``SRTPProfile/rtcpOverhead`` more, and gives its new length.
    public mutating func protectControl(
        _ buffer: UnsafeMutableRawBufferPointer, count: Int
    ) throws(SRTPFailure) -> Int {
        precondition(count >= 0 && count + profile.rtcpOverhead <= buffer.count, "\(count) bytes of \(buffer.count)")
        guard let layout = RTCPLayout(UnsafeRawBufferPointer(rebasing: buffer[..<count])),
            let start = buffer.baseAddress
        else { throw .malformed }
        let slot = try slot(layout.ssrc)
        let place = SRTPPlace(
            packets: .rtcp, ssrc: layout.ssrc, index: try streams[slot].takeRTCP(), headerSize: RTCPLayout.headerSize,
            bodySize: count - RTCPLayout.headerSize)
        // The index stands behind the tag of AES-GCM (RFC 7714 §9.2) and before the other (RFC 3711 §3.4).
        let offset = profile == .aeadAES128GCM ? count + profile.rtpOverhead : count
        buffer.storeBytes(of: place.indexWord.bigEndian, toByteOffset: offset, as: UInt32.self)
        rtcp.seal(start.assumingMemoryBound(to: UInt8.self), place)
        return count + profile.rtcpOverhead
    }

    @inline(__always)
    private mutating func slot(_ ssrc: UInt32) throws(SRTPFailure) -> Int {
        for slot in 0..<streamCount where streams[slot].ssrc == ssrc { return slot }
        guard streamCount < Self.maximumStreams else { throw .tooManyStreams }
        streams[streamCount].ssrc = ssrc
        streamCount += 1
        return streamCount - 1
    }
}

/// What was sent under one SSRC.
private struct OutboundStream {
    var ssrc: UInt32 = 0
    var nextRTCP: UInt32 = 0
    private var sent = ReplayWindow<1>()

    /// The index of a sequence number, which is used by that.
    mutating func take(_ sequence: UInt16) throws(SRTPFailure) -> UInt64 {
        let index = sent.index(of: sequence)
        guard sent.next == 0 || index < sent.next + 0x7FFF else { throw .indexUnusable }
        guard sent.admits(index) else { throw .indexUnusable }
        guard index < 1 << 48 else { throw .keyExhausted }
        sent.mark(index)
        return index
    }

    mutating func takeRTCP() throws(SRTPFailure) -> UInt64 {
        guard nextRTCP < SRTPPlace.encrypted else { throw .keyExhausted }
        nextRTCP += 1
        return UInt64(nextRTCP - 1)
    }
}
