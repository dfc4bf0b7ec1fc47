// SPDX-License-Identifier: Apache-2.0

/// What a viewer's own estimates (REMB) say of the way to it.
///
/// A receiver estimates at most one and a half times what arrives (draft-ietf-rmcat-gcc-02 §5.5), which says nothing on a
/// larger layer, and it cuts its estimate only where a queue grows. So a way is full where the estimate falls, and where
/// it stays below what is sent: behind a change to a larger layer it is below that too, but rises.
struct ViewerEstimate: Sendable {
    /// The estimate that the next ones are held against.
    private var mark: Double?
    /// Since when it is below what is sent and does not rise.
    private var behind: Duration?

    /// Takes an estimate, in bits a second as is what is sent. Returns whether the way carries no more than it says; so it
    /// is with the first.
    mutating func isFull(_ value: Double, sending: Double?, now: Duration) -> Bool {
        guard let mark, value >= mark * Self.fall else {
            (self.mark, behind) = (value, nil)
            return true
        }
        if value > mark * Self.rise {
            (self.mark, behind) = (value, nil)
            return false
        }
        guard let sending, value < sending else {
            behind = nil
            return false
        }
        let since = behind ?? now
        behind = since
        return now - since >= Self.patience
    }

    private static let fall = 0.97
    private static let rise = 1.01
    /// Estimates come once a second.
    private static let patience: Duration = .seconds(2)
}
