// SPDX-License-Identifier: Apache-2.0

/// Lines over the seconds of a run, as SVG that needs nothing else.
struct LineChart {
    /// One line.
    struct Series {
        let name: String
        /// A value a second; nil where there is none.
        let values: [Double?]
    }

    let title: String
    let unit: String
    let series: [Series]

    /// The element, with its legend.
    var svg: String {
        let top = Self.rounded(up: series.flatMap(\.values).compactMap { $0 }.max() ?? 0)
        let legend = zip(series, Self.colours).map { one, colour in
            "<tspan fill=\"\(colour)\">&#9632;</tspan> \(one.name)  "
        }
        return """
            <svg viewBox="0 0 \(Self.width) \(Self.height)" role="img" aria-label="\(title)">
            <text x="\(Self.left)" y="14" class="title">\(title), \(unit)</text>
            <text x="\(Self.left)" y="30">\(legend.joined())</text>
            \(grid(to: top))
            \(zip(series, Self.colours).map { line($0, colour: $1, to: top) }.joined(separator: "\n"))
            </svg>
            """
    }

    private var seconds: Int { series.map(\.values.count).max() ?? 0 }

    private func line(_ one: Series, colour: String, to top: Double) -> String {
        var path = ""
        var isDrawing = false
        for (second, value) in one.values.enumerated() {
            guard let value else {
                isDrawing = false
                continue
            }
            path += "\(isDrawing ? "L" : "M")\(Self.short(x(second))) \(Self.short(y(value, top))) "
            isDrawing = true
        }
        return "<path d=\"\(path)\" fill=\"none\" stroke=\"\(colour)\" stroke-width=\"1.5\"/>"
    }

    private func grid(to top: Double) -> String {
        let rows = (0...4).map { step in
            let value = top * Double(step) / 4
            let height = Self.short(y(value, top))
            return "<line x1=\"\(Self.left)\" x2=\"\(Self.width - Self.right)\" y1=\"\(height)\" y2=\"\(height)\"/>"
                + "<text x=\"\(Self.left - 6)\" y=\"\(height)\" class=\"scale\">\(Self.label(value))</text>"
        }
        let columns = (0...4).map { step in
            let second = seconds * step / 4
            return "<text x=\"\(Self.short(x(second)))\" y=\"\(Self.height - 4)\" class=\"time\">\(second) s</text>"
        }
        return (rows + columns).joined(separator: "\n")
    }

    private func x(_ second: Int) -> Double {
        Double(Self.left) + Double(second * (Self.width - Self.left - Self.right)) / Double(max(1, seconds))
    }

    private func y(_ value: Double, _ top: Double) -> Double {
        let room = Double(Self.height - Self.top - Self.bottom)
        return Double(Self.top) + room * (1 - value / top)
    }

    /// The next of 1, 2, 5, 10, 20, …, so that a scale has round numbers.
    private static func rounded(up value: Double) -> Double {
        var scale = 1.0
        while scale < 1e12 {
            for step in [1.0, 2, 5] where step * scale >= value { return step * scale }
            scale *= 10
        }
        return scale
    }

    /// To a tenth of a pixel.
    private static func short(_ value: Double) -> String { "\((value * 10).rounded() / 10)" }

    private static func label(_ value: Double) -> String {
        value == value.rounded() ? "\(Int(value))" : "\((value * 100).rounded() / 100)"
    }

    private static let (width, height) = (900, 220)
    private static let (left, right, top, bottom) = (60, 16, 40, 24)
    private static let colours = ["#1f6feb", "#d1242f", "#1a7f37", "#9a6700"]
}
