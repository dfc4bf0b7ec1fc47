// SPDX-License-Identifier: Apache-2.0

public import Cluster

/// What the control API asks of who leads viewers to their pathways. Any thread may call.
public protocol AudienceDesk: Sendable {
    /// Whether viewers are told by which pathways to go.
    var isOn: Bool { get }
    /// What was ordered of audiences and counts now, the oldest first.
    func orders() -> [SteeringOrder]
    /// Takes an order, for the whole cluster. Returns whether there was room for it.
    func take(_ order: SteeringOrder) -> Bool
}

/// An order as the API gives it.
struct SteeringAnswer: Encodable {
    let streamKey: String?
    let shares: [String: Int]
    let orderedAt: String
    let expiresAt: String

    enum CodingKeys: CodingKey { case streamKey, shares, orderedAt, expiresAt }

    /// Writes the document's `SteeringOrder`, absent values as null.
    func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: CodingKeys.self)
        try fields.encode(streamKey, forKey: .streamKey)
        try fields.encode(shares, forKey: .shares)
        try fields.encode(orderedAt, forKey: .orderedAt)
        try fields.encode(expiresAt, forKey: .expiresAt)
    }
}

/// All orders as the API gives them.
struct SteeringList: Encodable {
    let orders: [SteeringAnswer]
    let total: Int
}

/// The body of an order.
struct SteeringWish: Decodable {
    let streamKey: String?
    let shares: [String: Int]
    let expiresIn: Int?

    /// The shares in the order of their names; nil where they can not be those of one audience.
    var audience: [PathwayShare]? {
        let parsed = shares.sorted { $0.key < $1.key }.compactMap { name, percent in
            UInt8(exactly: percent).flatMap { PathwayShare(pathway: name, percent: $0) }
        }
        return parsed.count == shares.count && !parsed.isEmpty && parsed.isOneAudience ? parsed : nil
    }

    /// How long it counts, in seconds; nil where that is no time.
    var life: Int? { (1...604_800).contains(expiresIn ?? Self.usualLife) ? expiresIn ?? Self.usualLife : nil }

    private static let usualLife = 3600
}
