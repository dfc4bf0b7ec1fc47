// SPDX-License-Identifier: Apache-2.0

import Identity
import RTP
import Replica
import SecureMedia
import WebRTC

/// A session whose offer was answered and that no thread has yet: the first that gets an authenticated check adopts it.
struct ParkedSession: Sendable {
    let id: SignalingSessionID
    /// When the offer was answered.
    let began: Duration
    var ice: ICESession
    /// Whose certificate the answer names.
    let identity: DTLSIdentity
    let role: DTLSRole
    /// Whose certificate the offer names.
    let peer: CertificateFingerprint
    let plan: SessionPlan
}

/// What a session is for.
enum SessionPlan: Sendable {
    case publisher(PublisherPlan)
    case viewer(ViewerPlan)

    /// Gives back what was taken for the session.
    func leave() {
        switch self {
        case .publisher(let plan): plan.intake.leave()
        case .viewer(let plan): plan.leave()
        }
    }
}

/// A viewer to be served.
struct ViewerPlan: Sendable {
    let replica: StreamReplica
    /// What the replica knows the viewer by.
    let viewer: UInt64
    let tracks: [NegotiatedTrack]
    /// Where sequence numbers and timestamps begin, one pair a track.
    let beginnings: [(sequence: UInt16, timestamp: UInt32)]
    let leave: @Sendable () -> Void
}

/// A publisher to be listened to.
struct PublisherPlan: Sendable {
    let intake: any MediaIntake
    let tracks: [NegotiatedTrack]
    /// The source that our reports come from.
    let source: UInt32
}
