// SPDX-License-Identifier: Apache-2.0

/// Whether a stream's viewers fetch from a CDN now. Call it about once a second.
///
/// It is in one of two states. *Off*: the edges serve; at the first moment in which either threshold is reached it goes on.
/// *On*: the CDN serves; it goes off when both measures have been below three quarters of their thresholds for a whole calm.
///
/// What the CDN serves, the edges do not, so that going on may itself bring the calm. Where it has to go on again within two
/// calms of having gone off, the next calm is twice as long, up to sixteen times: an audience that is too large for the edges
/// alone moves less and less often.
public struct OffloadSwitch: Hashable, Sendable {
    /// Whether the CDN serves.
    public private(set) var isOn = false
    /// Since when both measures have been low; nil while one is not.
    private var quietSince: Duration?
    /// When it last went off.
    private var wentOff: Duration?
    /// How long the next calm must last, in the calms of the settings.
    private var patience = 1

    /// Off.
    public init() {}

    /// Follows what is measured.
    /// - Parameters:
    ///   - viewers: viewers of the stream, wherever they fetch.
    ///   - use: how much of the edges' capacity is in use, 0 to 1 and over.
    /// - Returns: whether ``isOn`` changed.
    @discardableResult
    public mutating func update(
        viewers: Int, use: Double, settings: OffloadSettings, now: Duration
    ) -> Bool {
        let before = isOn
        switch settings.mode {
        case .never: isOn = false
        case .always: isOn = true
        case .load:
            let fullness = max(Double(viewers) / Double(max(1, settings.viewers)), use / max(settings.use, 0.001))
            if isOn { ebb(fullness, settings, now) } else if fullness >= 1 { goOn(settings, now) }
        }
        return isOn != before
    }

    private mutating func goOn(_ settings: OffloadSettings, _ now: Duration) {
        let isSoon = wentOff.map { now - $0 < settings.calm * patience * 2 } ?? false
        patience = isSoon ? min(patience * 2, Self.longest) : 1
        quietSince = nil
        isOn = true
    }

    private mutating func ebb(_ fullness: Double, _ settings: OffloadSettings, _ now: Duration) {
        guard fullness < Self.low else { return quietSince = nil }
        let since = quietSince ?? now
        quietSince = since
        guard now - since >= settings.calm * patience else { return }
        isOn = false
        wentOff = now
    }

    private static let low = 0.75
    private static let longest = 16
}
