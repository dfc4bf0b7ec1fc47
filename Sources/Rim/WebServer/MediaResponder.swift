// SPDX-License-Identifier: Apache-2.0

/// Who answers requests for media. There is one on each event loop, made and called there only: it needs no lock, may
/// keep state without further ado, and must not block.
public protocol MediaResponder: AnyObject {
    /// Answers: with `exchange.send` or `exchange.beginStream`, now or later, on the same event loop, exactly once.
    func respond(to request: MediaRequest, on exchange: MediaExchange)

    /// The peer went away while its exchange was open. The exchange is over; forget it.
    func cancelled(_ exchange: MediaExchange)

    /// A streaming exchange that was not writable is so again.
    func writable(_ exchange: MediaExchange)
}
