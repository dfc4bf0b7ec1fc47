// SPDX-License-Identifier: Apache-2.0

public import Identity

/// The streams of which others are being asked whether their term still is the highest: one question at a time for each,
/// but for one that was asked before the process stood still, whose answer is not waited for.
public struct TermChecks: Sendable {
    /// ``GatewayPulse/stalls`` when each was asked.
    private var begun: [StreamID: UInt64] = [:]

    /// Nobody is asked.
    public init() {}

    /// Whether others are to be asked: nobody is yet, or only since before a pause.
    /// - Parameter stalls: ``GatewayPulse/stalls``, as it is now.
    public mutating func begin(_ stream: StreamID, after stalls: UInt64) -> Bool {
        if let before = begun[stream], before >= stalls { return false }
        begun[stream] = stalls
        return true
    }

    /// A question that was begun after so many stalls is over. A younger one goes on.
    public mutating func end(_ stream: StreamID, after stalls: UInt64) {
        if begun[stream] == stalls { begun[stream] = nil }
    }
}
