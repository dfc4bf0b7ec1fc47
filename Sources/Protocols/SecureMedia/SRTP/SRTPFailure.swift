// SPDX-License-Identifier: Apache-2.0

/// Why a packet is not protected or not unprotected. Each is a counter; nothing is ever answered to one.
public enum SRTPFailure: Error, Hashable, Sendable, CaseIterable {
    /// The tag does not fit: made or changed by somebody without the key.
    case forged
    /// To be sent, and its index was used under this key, is too old to know, or is more than 2^15 - 1 ahead, where a
    /// receiver could not guess the rollover counter (RFC 3711 §3.3.1).
    case indexUnusable
    /// All indices of the key are used (RFC 3711 §9.2): a new handshake is needed.
    case keyExhausted
    /// No RTP or RTCP packet, or too short for its header and tag.
    case malformed
    /// Received before, or too old to know (RFC 3711 §3.3.2).
    case replayed
    /// One more SSRC than are kept under one key.
    case tooManyStreams
}
