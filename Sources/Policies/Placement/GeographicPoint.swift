// SPDX-License-Identifier: Apache-2.0

/// A place on the globe, kept as the point of the unit sphere, so that the nearer of two is a comparison of chords: what
/// the haversine formula compares, without its arcs.
public struct GeographicPoint: Hashable, Sendable {
    private let x: Double
    private let y: Double
    private let z: Double

    /// A place by degrees, north and east positive; nil where a latitude is beyond ±90 or a longitude beyond ±180, or
    /// either is no number.
    public init?(latitude: Double, longitude: Double) {
        guard abs(latitude) <= 90, abs(longitude) <= 180 else { return nil }
        let (north, east) = (latitude * Self.radian, longitude * Self.radian)
        let ring = Self.sine(Self.quarter - abs(north))
        x = ring * Self.sine(Self.quarter - abs(east))
        y = ring * Self.sine(east)
        z = Self.sine(north)
    }

    /// The square of the straight way through the globe, 0 to 4 in squares of its radius: grows with the distance.
    public func squaredChord(to other: GeographicPoint) -> Double {
        let (dx, dy, dz) = (x - other.x, y - other.y, z - other.z)
        return dx * dx + dy * dy + dz * dz
    }

    /// The sine between −π and π by its power series about 0, after a reflection to at most π/2, where the terms up to the
    /// 15th power leave less than 1e-11: a tenth of a millimetre of globe. Cores may not link a C library's.
    private static func sine(_ angle: Double) -> Double {
        let a = angle > quarter ? 2 * quarter - angle : angle < -quarter ? -2 * quarter - angle : angle
        let s = a * a
        var sum = -1.0 / 210
        sum = 1 + s * sum
        sum = 1 - s / 156 * sum
        sum = 1 - s / 110 * sum
        sum = 1 - s / 72 * sum
        sum = 1 - s / 42 * sum
        sum = 1 - s / 20 * sum
        sum = 1 - s / 6 * sum
        return a * sum
    }

    private static let quarter = 0x1.921fb54442d18p0
    private static let radian = quarter / 90
}
